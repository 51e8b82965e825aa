/** What everything that is said on the pull requests of one repository goes by. */
import type { PullRequestRecord } from "../store/pull-requests.ts";
import type { Forge } from "../report/forge/forge.ts";
import type { Mirror } from "../source/mirror.ts";
import type { Landings } from "./pull-request-live.ts";
import type { Publisher } from "./pull-request-publish.ts";
import type { Services } from "./services.ts";
import type { Target } from "./targets.ts";

export interface PullRequestContext {
  readonly services: Services;
  readonly repository: string;
  readonly mirror: Mirror;
  readonly forge: Forge;
  readonly publisher: Publisher;
  readonly landings: Landings;
  /** As this pass found them. */
  readonly targets: () => readonly Target[];
}

/** The environments of a pull request's target branch. */
export const environmentsOf = ({ targets }: Pick<PullRequestContext, "targets">, base: string) =>
  targets()
    .filter((it) => it.branch === base)
    .map((it) => it.environment);

/** For a comment's text, so that marker and answer fit beside it. */
export const textLimit = ({ bodyLimit }: Pick<Forge, "bodyLimit">): number =>
  Math.min(bodyLimit, 60_000) - 4_000;

/** To the command that was given last. */
export const answerOf = ({ answer }: Pick<PullRequestRecord, "answer">): string =>
  answer === null ? "" : `\n---\n\n${answer}\n`;
