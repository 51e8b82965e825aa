/** A file of the tree → its text, or why it has none. */
import { decodeText } from "../document/bytes.ts";
import type { Checked, Problem } from "../model/problem.ts";

export interface Entry {
  readonly oid: string;
  /** As git writes it: `100644`, `120000` for a symbolic link, `160000` for a submodule. */
  readonly mode: string;
}

export type Entries = ReadonlyMap<string, Entry>;

export type Contents = ReadonlyMap<string, Uint8Array | "too-large">;

export const isRegular = ({ mode }: Entry): boolean => mode.startsWith("100");

export function readText(path: string, entry: Entry, contents: Contents): Checked<string> {
  if (!isRegular(entry)) {
    const message = "found a symbolic link or a submodule, expected a file";
    return refuse(path, "repository/not-a-file", message, "put the file itself here");
  }
  const bytes = contents.get(path);
  if (bytes === undefined) throw new Error(`${path} was asked for, and not read`);
  if (bytes === "too-large") {
    const message = "the file is too large to be read";
    return refuse(path, "yaml/too-large", message, "split it into several files");
  }
  return decodeText(path, bytes);
}

function refuse(file: string, code: string, message: string, hint: string): Checked<string> {
  const problem: Problem = { ...startOf(file), code, severity: "error", message, hint };
  return { ok: false, problems: [problem] };
}

/** Where a problem of a file as a whole stands. */
export const startOf = (file: string) => ({ file, line: 1, column: 1, pointer: "" });
