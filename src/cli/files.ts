/** Which files the paths on a command line stand for, and what a file holds. Reads the work tree only. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { decodeText, defaultLimits } from "../document/bytes.ts";
import { settingsFile } from "../desired/settings.ts";
import { readText, startOf } from "../desired/text.ts";
import { compareText, type Checked } from "../model/problem.ts";
import { CommandError } from "./output/failure.ts";

export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** Absolute: the folder that its name in problems, and the files it names, are counted from. */
  readonly base: string;
  /** A symbolic link: git keeps no file there. */
  readonly linked: boolean;
  /** Given by itself, and not found in a folder. */
  readonly named: boolean;
}

export interface Found {
  /** Each once, sorted by path. */
  readonly files: readonly FoundFile[];
  /** Folders that may be repositories: outer ones before those inside of them. */
  readonly roots: readonly string[];
}

/**
 * Folders stand for the YAML files in them, at any depth, but in hidden folders and `node_modules`.
 *
 * @throws {CommandError} with the exit code of a wrong usage, for a path that is not there
 */
export function findFiles(given: readonly string[], cwd: string): Found {
  const files = new Map<string, FoundFile>();
  const roots = new Set<string>();
  for (const it of given) {
    const path = resolve(cwd, it);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) walk(path, baseOf(path, cwd), files, roots);
    else if (stat?.isFile() === true) {
      const base = baseOf(dirname(path), cwd);
      files.set(path, { path, base, linked: false, named: true });
    } else {
      const what = stat === undefined ? "there is no such file or folder" : "this is no file";
      const next = `give a file or a folder; paths are counted from ${cwd}`;
      throw new CommandError(what, it, next, { exitCode: 2 });
    }
  }
  return {
    files: [...files.values()].toSorted((a, b) => compareText(a.path, b.path)),
    roots: [...roots].toSorted(compareText),
  };
}

const baseOf = (folder: string, cwd: string): string => (isInside(folder, cwd) ? cwd : folder);

export const isInside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);

function walk(
  folder: string,
  base: string,
  files: Map<string, FoundFile>,
  roots: Set<string>,
): void {
  const open = [folder];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    const entries = readdirSync(here, { withFileTypes: true });
    if (entries.some((it) => it.name === ".git" || it.name === settingsFile)) roots.add(here);
    for (const entry of entries) {
      const path = join(here, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith(".") && entry.name !== "node_modules") open.push(path);
      } else if (/\.ya?ml$/.test(entry.name) && !files.has(path)) {
        const linked = entry.isSymbolicLink();
        // A link to a folder is not followed: it may lead in a circle.
        if (linked && statSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
        if (linked || entry.isFile()) files.set(path, { path, base, linked, named: false });
      }
    }
  }
}

/** With forward slashes, as problems and globs have it. */
export const nameIn = (base: string, path: string): string =>
  relative(base, path).replaceAll(sep, "/");

/** As a user would type it: from `cwd`, or whole where it was given whole and is outside. */
export function shownPath(path: string, cwd: string, given: readonly string[]): string {
  const name = nameIn(cwd, path);
  const whole = given.some((it) => isAbsolute(it) && isInside(path, resolve(it)));
  return whole && !isInside(path, cwd) ? path : name;
}

/** What the tree reader takes; throws what the system says. */
export function readBytes(path: string): Uint8Array | "too-large" {
  const size = statSync(path).size;
  return size > defaultLimits.size ? "too-large" : readFileSync(path);
}

/** @param name the file's in problems */
export function readFile(path: string, name: string): Checked<string> {
  let bytes: Uint8Array | "too-large";
  try {
    bytes = readBytes(path);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const message = `the file cannot be read (${reason})`;
    const hint = "check that it is there, and its permissions";
    const problem = { code: "yaml/unreadable", severity: "error" as const, message, hint };
    return { ok: false, problems: [{ ...startOf(name), ...problem }] };
  }
  if (bytes !== "too-large") return decodeText(name, bytes);
  return readText(name, { oid: "", mode: "100644" }, new Map([[name, bytes]]));
}
