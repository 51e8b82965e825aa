/**
 * Reads the controller's settings from its file, the environment and the flags: every mistake at
 * once, at the line or variable it is in (law 10), and no secret in any of them (law 7).
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkValue, type Where } from "../document/check.ts";
import { parseFile, type ParsedDocument } from "../document/file.ts";
import { isRecord, toPointer, type JsonRecord } from "../model/json.ts";
import { byPlace, isError, type Problem } from "../model/problem.ts";
import { isAdminConfig, readAdminConfig } from "./admin-config.ts";
import { settingsFile } from "./file.ts";
import { interpret } from "./interpret.ts";
import { overlay, overrides, type Flags, type Override } from "./overrides.ts";
import type { Environment } from "./secret-variables.ts";
import type { Settings } from "./settings.ts";

export interface SettingsInput {
  /** As `--config` names it. Absent: `INNOMINATUS_CONFIG`, else innominatus.yaml or admin-config.yaml in `cwd`, else none. */
  readonly file?: string | undefined;
  readonly env: Environment;
  readonly flags: Flags;
  readonly cwd: string;
}

export interface LoadedSettings {
  /** `undefined` when some problem is an error. */
  readonly settings: Settings | undefined;
  readonly problems: readonly Problem[];
}

const maxBytes = 1_000_000;

export function loadSettings(input: SettingsInput): LoadedSettings {
  const { env, flags, cwd } = input;
  const source = readSource(input);
  const given = overrides(env, flags);
  const where = placesOf(source, given);
  const checked = checkValue(overlay(source.tree, given), settingsFile, where);
  if (!checked.ok) return told(undefined, [...source.problems, ...checked.problems]);

  const fromFile = (path: readonly string[]): boolean => overrideAt(given, path) === undefined;
  const folder = source.file === undefined ? cwd : dirname(resolve(cwd, source.file));
  const context = {
    env,
    flags,
    where,
    baseOf: (path: readonly string[]) => (fromFile(path) ? folder : cwd),
  };
  const { settings, problems } = interpret(checked.value, context);
  return told(settings, [...source.problems, ...problems]);
}

function told(settings: Settings | undefined, problems: readonly Problem[]): LoadedSettings {
  return {
    settings: problems.some(isError) ? undefined : settings,
    problems: problems.toSorted(byPlace),
  };
}

interface Source {
  readonly file: string | undefined;
  readonly tree: JsonRecord;
  readonly problems: readonly Problem[];
  readonly placeOf: Where;
}

function readSource({ file: named, env, cwd }: SettingsInput): Source {
  const asked = named ?? (env["INNOMINATUS_CONFIG"] || undefined);
  const file =
    asked ?? ["innominatus.yaml", "admin-config.yaml"].find((it) => isFile(resolve(cwd, it)));
  if (file === undefined) return empty(undefined, []);
  const text = readText(resolve(cwd, file));
  if (text === undefined) {
    return empty(file, [
      problemAt(file, "settings/file-unreadable", "the settings file is missing or not readable", {
        hint: "check --config and INNOMINATUS_CONFIG, and the file's permissions",
      }),
    ]);
  }

  const { documents, problems } = parseFile(file, text);
  const [document, second] = documents;
  const extra = second === undefined ? [] : [{ ...second.at([]), ...several }];
  if (document === undefined || !isRecord(document.value)) {
    const blank = documents.every(({ value }) => value === undefined || value === null);
    // All keys have defaults, so a file of comments is fine.
    return empty(
      file,
      problems.filter(({ code }) => !(blank && code === "yaml/empty")).concat(extra),
    );
  }
  const tree = document.value;
  if (!isAdminConfig(file)) {
    return { file, tree, problems: [...problems, ...extra], placeOf: placesIn(document) };
  }
  const admin = readAdminConfig(document);
  const all = [...problems, ...extra, ...admin.problems];
  if (!admin.ok) return empty(file, all);
  const { indices } = admin.value;
  const placeOf: Where = ([top, index, ...rest]) =>
    placesIn(document)(
      typeof index === "number" ? ["providers", indices[index] ?? index, ...rest] : [top ?? ""],
    );
  return { file, tree: admin.value.tree, problems: all, placeOf };
}

const several = {
  pointer: "",
  code: "settings/several-documents",
  severity: "error" as const,
  message: "found a second document, expected one",
  hint: "remove the `---` between them",
};

const empty = (file: string | undefined, problems: readonly Problem[]): Source => ({
  file,
  tree: {},
  problems,
  placeOf: () => ({ place: { file: file ?? "innominatus.yaml", line: 1, column: 1 }, pointer: "" }),
});

const placesIn =
  (document: ParsedDocument): Where =>
  (path) => ({ place: document.at(path), pointer: toPointer(path) });

/** A value that was overridden is wrong where it was said: its variable or flag stands as the file. */
function placesOf(source: Source, given: readonly Override[]): Where {
  return (path) => {
    const override = overrideAt(given, path.map(String));
    if (override === undefined) return source.placeOf(path);
    return { place: { file: override.from, line: 1, column: 1 }, pointer: "" };
  };
}

const overrideAt = (given: readonly Override[], path: readonly string[]): Override | undefined =>
  given.find((it) => it.path.join("\0") === path.join("\0"));

function problemAt(file: string, code: string, message: string, more: { hint: string }): Problem {
  return { file, line: 1, column: 1, pointer: "", code, severity: "error", message, ...more };
}

function readText(path: string): string | undefined {
  try {
    return statSync(path).size > maxBytes ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
