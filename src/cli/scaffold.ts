/** Copies files that we ship to where somebody starts from them, with the editor's schemas beside them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { compareText } from "../model/problem.ts";
import { editorSchemas } from "./json-schemas.ts";
import { CommandError } from "./output/failure.ts";

/** Where a repository keeps the schemas that its files name. */
const schemaFolder = join(".innominatus", "schemas");

/** @throws {CommandError} when something is in the folder; a `.git` may be */
export function refuseFilled(folder: string, shown: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const next = "name another folder, or empty this one";
  if (!stat.isDirectory()) throw new CommandError("this is no folder", shown, next, usage);
  const [found] = readdirSync(folder).filter((it) => it !== ".git");
  if (found === undefined) return;
  throw new CommandError(`the folder is not empty: it has ${found}`, shown, next, usage);
}

const usage = { exitCode: 2 } as const;

export interface Rewrite {
  text(text: string): string;
  name(path: string): string;
}

/**
 * Copies all files of `from` into `to`, with names and texts changed by `rewrite`, and the schemas that
 * their first lines name changed to those of `root`.
 *
 * @returns the paths in `to`, sorted
 */
export function copyFiles(
  from: string,
  to: string,
  root: string,
  rewrite: Rewrite = { text: (it) => it, name: (it) => it },
): readonly string[] {
  const names = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => relative(from, join(it.parentPath, it.name)))
    .toSorted(compareText);
  const made = names.map((it) => rewrite.name(it));
  for (const [index, name] of names.entries()) {
    const file = join(to, made[index] ?? name);
    const schemas = relative(dirname(file), join(root, schemaFolder)).replaceAll(sep, "/");
    const text = readFileSync(join(from, name), "utf8").replace(
      /^(# yaml-language-server: \$schema=)\S*\/([\w-]+\.json)$/m,
      `$1${schemas}/$2`,
    );
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, rewrite.text(text));
  }
  return made;
}

/** @returns the folder, in `root` */
export function writeSchemas(root: string): string {
  writeSchemasTo(join(root, schemaFolder));
  return schemaFolder;
}

export function writeSchemasTo(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of editorSchemas()) writeFileSync(join(folder, name), text);
}

/** The folder above `start`, or itself, that holds repository settings; `undefined`: there is none. */
export function repositoryAbove(start: string): string | undefined {
  for (let here = start; ; here = dirname(here)) {
    if (existsSync(join(here, ".innominatus.yaml"))) return here;
    if (dirname(here) === here) return undefined;
  }
}
