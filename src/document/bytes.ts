/** Bytes of a file somebody else wrote → its text, or why it is none. The first of the size limits. */
import type { Checked, Problem } from "../model/problem.ts";

/** What one file may cost, whoever wrote it. */
export interface Limits {
  /** Of the file, in bytes; of its text, in UTF-16 units. */
  readonly size: number;
  /** Mappings and lists inside one another. */
  readonly depth: number;
  /** How often an alias is followed in one document; one inside an anchor counts each time. */
  readonly aliases: number;
  /** Values in one document, after aliases. */
  readonly values: number;
  /** Of the lexer, in one file: an error costs the parser far more than a token. */
  readonly tokens: number;
}

/** Of one file or document; beyond that nobody reads on. */
export const mostProblems = 1000;

export const defaultLimits: Limits = {
  size: 1024 * 1024,
  depth: 64,
  aliases: 100,
  values: 100_000,
  tokens: 200_000,
};

/** UTF-8, with or without a byte order mark. */
export function decodeText(
  file: string,
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
): Checked<string> {
  const refuse = (code: string, message: string, hint: string, before = ""): Checked<string> => {
    const lines = before.split("\n");
    const column = (lines.at(-1)?.length ?? 0) + 1;
    const place = { file, line: lines.length, column };
    const problem: Problem = { ...place, pointer: "", code, severity: "error", message, hint };
    return { ok: false, problems: [problem] };
  };

  if (bytes.length > limits.size) {
    const message = `the file has ${bytes.length} bytes; at most ${limits.size} are read`;
    return refuse("yaml/too-large", message, "split it into several files");
  }
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return refuse("yaml/encoding", "found UTF-16 text, expected UTF-8", "save the file as UTF-8");
  }
  const text = new TextDecoder().decode(bytes);
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const message = "found a NUL character, expected text";
    return refuse(
      "yaml/encoding",
      message,
      "remove it; is this a binary file?",
      text.slice(0, nul),
    );
  }
  if (text.includes("\uFFFD") && !isUtf8(bytes)) {
    const before = text.slice(0, text.indexOf("\uFFFD"));
    const message = "found bytes that are no UTF-8";
    return refuse("yaml/encoding", message, "save the file as UTF-8", before);
  }
  return { ok: true, value: text, problems: [] };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
