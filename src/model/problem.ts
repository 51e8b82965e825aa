/** A mistake in somebody's file: a value, not an exception, so that one bad file never hides another. */

export interface Place {
  /** Path inside its repository or folder, with forward slashes. */
  readonly file: string;
  /** 1-based, as editors count. */
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Place {
  /** JSON pointer (RFC 6901) to the offending field; empty for the whole document. */
  readonly pointer: string;
  /** Stable, `<group>/<kebab-case>`; tests and users' scripts match on this, never on the message. */
  readonly code: string;
  readonly severity: "error" | "warning";
  /** What was found and what was expected: lower case, no full stop. */
  readonly message: string;
  /** What to do next, where we know. */
  readonly hint?: string;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const isError = (problem: Problem): boolean => problem.severity === "error";

export const byPlace = (a: Problem, b: Problem): number =>
  compareText(a.file, b.file) ||
  a.line - b.line ||
  a.column - b.column ||
  compareText(a.code, b.code);

/** By code unit: the same order on every machine, whatever its locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
