/** A controller that is killed at its n-th call to the forge, before or after that took effect. */
import type { Forge } from "../../../src/report/forge/forge.ts";

export class Killed extends Error {}

export interface Death {
  /** Calls that are answered before it. */
  readonly after: number;
  /** Whether the last one took effect, though nobody heard of it. */
  readonly done: boolean;
}

export function killedAt({ after, done }: Death): (forge: Forge) => Forge {
  let calls = 0;
  return (forge) => {
    const dying = async <T>(work: () => Promise<T>): Promise<T> => {
      calls += 1;
      if (calls <= after) return work();
      if (calls === after + 1 && done) await work();
      throw new Killed();
    };
    return {
      ...forge,
      budget: () => forge.budget(),
      headRef: (number) => forge.headRef(number),
      openPullRequest: (asked, signal) => dying(() => forge.openPullRequest(asked, signal)),
      listPullRequests: (signal) => dying(() => forge.listPullRequests(signal)),
      readPullRequest: (number, signal) => dying(() => forge.readPullRequest(number, signal)),
      pullRequestsOf: (commit, signal) => dying(() => forge.pullRequestsOf(commit, signal)),
      upsertComment: (wanted, signal) => dying(() => forge.upsertComment(wanted, signal)),
      listComments: (since, signal) => dying(() => forge.listComments(since, signal)),
      addReaction: (place, reaction, signal) =>
        dying(() => forge.addReaction(place, reaction, signal)),
      permissionOf: (person, signal) => dying(() => forge.permissionOf(person, signal)),
      setStatus: (commit, status, signal) => dying(() => forge.setStatus(commit, status, signal)),
    };
  };
}
