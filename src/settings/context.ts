/** What reading the settings has at hand, and how it tells a mistake. */
import type { Where } from "../document/check.ts";
import type { Problem } from "../model/problem.ts";
import type { Flags } from "./overrides.ts";
import type { Environment } from "./secret-variables.ts";

export interface Context {
  readonly env: Environment;
  readonly flags: Flags;
  readonly where: Where;
  /** The folder that a relative path at a key is meant from. */
  readonly baseOf: (path: readonly string[]) => string;
}

/** Adds a problem at a key. A message names what is wrong, never the value. */
export type Tell = (
  path: readonly PropertyKey[],
  problem: Pick<Problem, "code" | "message"> & Partial<Pick<Problem, "severity" | "hint">>,
) => void;
