/** The one line that is left of a comment, and the one that is put before it. */
import { clippedCode, link } from "../../plan/render/markdown-text.ts";
import { shortCommit } from "../../plan/render/visible.ts";
import type { Links } from "./open.ts";

/** Closed without a merge. */
export const closedComment = (): string =>
  "Closed without a merge: nothing of it was carried out.\n";

/** Its target branch is no environment's. */
export const aloofComment = (base: string): string =>
  `No environment follows the branch ${clippedCode(base)}: nothing is planned for this.\n`;

export interface Undoing {
  readonly number: number | null;
  readonly commit: string;
}

/** Before what the comment said last. */
export function undoneLine({ number, commit }: Undoing, links: Links): string {
  const what = link(`\`${shortCommit(commit)}\``, links.commit(commit));
  return `> ↩️ Undone by ${number === null ? "" : `#${number}, `}${what}.`;
}
