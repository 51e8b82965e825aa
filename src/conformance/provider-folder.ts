/** A provider in a folder of its own, with its tests: read whole, every problem at once (law 10). */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeText } from "../document/bytes.ts";
import { check } from "../document/check.ts";
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isError, type Problem } from "../model/problem.ts";
import { isProvider, readProvider } from "../provider/manifest.ts";
import type { Provider } from "../provider/provider.ts";
import {
  caseSchema,
  conformanceSchema,
  type Case,
  type ConformanceSettings,
} from "./case-schema.ts";

export interface PlacedCase {
  readonly document: ParsedDocument;
  readonly case: Case;
}

/** Files in problems and places are counted from the folder. */
export interface ProviderFolder {
  /** `undefined`: there is no manifest, or none that could be read. */
  readonly provider: Provider | undefined;
  readonly cases: readonly PlacedCase[];
  readonly conformance: ConformanceSettings;
  readonly problems: readonly Problem[];
  textOf(file: string): string | undefined;
}

const manifests = ["provider.yaml", "provider.yml", "platform.yaml", "platform.yml"];

/** The manifest's name; `undefined`: the folder is no provider's. */
export const manifestIn = (folder: string): string | undefined =>
  manifests.find((it) => isFile(join(folder, it)));

export function readProviderFolder(folder: string, manifest: string): ProviderFolder {
  const problems: Problem[] = [];
  const texts = new Map<string, string | undefined>();
  const textOf = (file: string): string | undefined => {
    if (!texts.has(file)) texts.set(file, read(folder, file, problems));
    return texts.get(file);
  };

  const provider = readManifest(manifest, textOf, problems);
  const cases: PlacedCase[] = [];
  let conformance = conformanceSchema.parse({});
  for (const file of testFiles(folder)) {
    const text = textOf(file);
    if (text === undefined) continue;
    const parsed = parseFile(file, text);
    problems.push(...parsed.problems);
    if (parsed.problems.some(isError)) continue;
    for (const document of parsed.documents) {
      if (isConformance(file)) {
        const checked = check(document, conformanceSchema);
        problems.push(...checked.problems);
        if (checked.ok) conformance = checked.value;
        continue;
      }
      const checked = check(document, caseSchema);
      problems.push(...checked.problems);
      if (checked.ok) cases.push({ document, case: checked.value });
    }
  }
  return { provider, cases, conformance, problems, textOf };
}

function readManifest(
  file: string,
  textOf: (file: string) => string | undefined,
  problems: Problem[],
): Provider | undefined {
  const parsed = parseFile(file, textOf(file) ?? "");
  problems.push(...parsed.problems);
  const document = parsed.documents.find((it) => isProvider(it.value));
  if (document === undefined) {
    if (!parsed.problems.some(isError)) {
      const message = "found no provider manifest, expected `apiVersion: v1` and `kind: Provider`";
      const place = { file, line: 1, column: 1, pointer: "" };
      problems.push({ ...place, code: "provider/no-manifest", severity: "error", message });
    }
    return undefined;
  }
  const result = readProvider(document, textOf, { layer: "repository", label: "this folder" });
  problems.push(...result.problems);
  return result.provider;
}

const testFiles = (folder: string): string[] =>
  statSync(join(folder, "tests"), { throwIfNoEntry: false })?.isDirectory() === true
    ? readdirSync(join(folder, "tests"))
        .filter((it) => /\.ya?ml$/.test(it))
        .toSorted()
        .map((it) => `tests/${it}`)
    : [];

const isConformance = (file: string): boolean => /^tests\/conformance\.ya?ml$/.test(file);

function read(folder: string, file: string, problems: Problem[]): string | undefined {
  const path = join(folder, file);
  if (!isFile(path)) return undefined;
  const text = decodeText(file, readFileSync(path));
  if (text.ok) return text.value;
  problems.push(...text.problems);
  return undefined;
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true;
