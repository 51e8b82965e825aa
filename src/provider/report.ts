/** Problems of one document, collected: what its checks share, so that each says only what it found. */
import { toPointer } from "../model/json.ts";
import type { Place, Problem } from "../model/problem.ts";

export type Path = readonly (string | number)[];

export interface Located {
  at(path: Path, part?: "key" | "value"): Place;
}

export interface Finding {
  readonly code: string;
  readonly severity?: "error" | "warning";
  readonly message: string;
  readonly hint?: string;
  /** Where it is, when that is not the beginning of the value. */
  readonly place?: Place;
  /** Show the key, not the value. */
  readonly part?: "key" | "value";
}

export interface Report {
  readonly problems: Problem[];
  add(path: Path, finding: Finding): void;
}

export function startReport(document: Located, problems: readonly Problem[] = []): Report {
  const list = [...problems];
  return {
    problems: list,
    add(path, { code, severity = "error", message, hint, place, part }) {
      list.push({
        ...(place ?? document.at(path, part)),
        pointer: toPointer(path),
        code,
        severity,
        message,
        ...(hint === undefined ? {} : { hint }),
      });
    },
  };
}
