/** A submitted spec as a pull request: its branch is taken back where the forge opens none. */
import type { FileChange } from "../report/file-commit.ts";
import { ForgeError } from "../report/forge/forge-error.ts";
import type { Forge } from "../report/forge/forge.ts";
import type { Mirror } from "../source/mirror.ts";

export type PullRequests = Pick<Forge, "openPullRequest">;

export interface OpenedPullRequest {
  readonly number: number;
  readonly url: string;
}

export interface Proposal {
  readonly change: FileChange;
  /** The branch, pushed already, and what it is for. */
  readonly head: string;
  readonly base: string;
  readonly commit: string;
}

type Proposed =
  | { readonly ok: true; readonly pullRequest: OpenedPullRequest }
  | { readonly ok: false; readonly message: string; readonly hint: string };

export const proposalOf = (name: string, commit: string): string =>
  `innominatus/specs/${name}-${commit.slice(0, 12)}`;

const takeBackMs = 20_000;

export async function propose(
  forge: PullRequests | undefined,
  mirror: Pick<Mirror, "removeBranch">,
  { change, head, base, commit }: Proposal,
  signal: AbortSignal,
): Promise<Proposed> {
  if (forge === undefined) throw new Error("opening a pull request: the repository has no forge");
  const { subject: title, author } = change;
  const body = `Submitted through the API by ${author.name}. The plan follows as a comment.`;
  try {
    const { number, url } = await forge.openPullRequest({ head, base, title, body }, signal);
    return { ok: true, pullRequest: { number, url } };
  } catch (error) {
    // A branch that no pull request leads to would stay for ever; also where the caller has gone.
    const within = AbortSignal.timeout(takeBackMs);
    const gone = await mirror.removeBranch(head, commit, within).then(
      () => true,
      () => false,
    );
    if (!(error instanceof ForgeError)) throw error;
    const message = `the forge opened no pull request: ${error.message}`;
    if (!gone)
      return { ok: false, message, hint: `delete the pushed branch ${head}, and try again` };
    return {
      ok: false,
      message: `${message}; the pushed branch is removed again`,
      hint: "try again",
    };
  }
}
