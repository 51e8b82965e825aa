/** What a resource waits for, in words and as JSON (E8). */
import type { Json } from "../../model/json.ts";
import type { Wait } from "../../model/wait.ts";
import { utc, visible } from "../../plan/render/visible.ts";

/** The reason, and when it ends where that is known. */
export const waitHead = ({ reason, until }: Wait): string =>
  until === null ? reason : `${reason} until ${utc(until)}`;

/** One line: the reason, who is in the way, and when it ends or what ends it. */
export function waitText(wait: Wait): string {
  const { reason } = wait;
  const head = waitHead(wait);
  const run = runOf(wait);
  const resolve = "goes on with a changed spec, or `innominatus retry`";
  switch (reason) {
    case "PreviousExecutionFailed":
      return `${head}: ${run} failed, and nobody can say how it left the target; ${resolve}`;
    case "ExhaustedRetries":
      return `${head}: ${run} was the last of too many failures in a row; ${resolve}`;
    case "BackoffActive":
      return `${head}: ${run} failed`;
    case "ResourceBusy":
      return `${head}: ${run} has the target, until it ends`;
    case "CooldownActive":
      return `${head}: ${run} changed the target`;
  }
}

function runOf({ blocker, hidden }: Wait): string {
  if (hidden === true) return "a run of another resource";
  if (blocker === null) return "a run that is no longer recorded";
  return `run ${visible(blocker.run)} of ${visible(blocker.uid)}`;
}

export const waitsJson = (waits: readonly Wait[]): Json =>
  waits.map(({ reason, blocker, until }): Json => ({
    reason,
    blocker:
      blocker === null
        ? null
        : {
            repository: blocker.repository,
            environment: blocker.environment,
            uid: blocker.uid,
            run: blocker.run,
          },
    until,
  }));
