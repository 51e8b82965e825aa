/** What a person can do about a resource that does not simply go on: the same words in status, README and `why`. */
import type { Recorded } from "../../model/resource.ts";
import type { NextStep } from "./words.ts";
import { shortCommit, utc, visible } from "./visible.ts";

/** `undefined` where nothing is held and nothing failed. */
export function adviceFor(
  resource: Pick<Recorded, "uid" | "gate" | "removal" | "phase" | "stalled">,
  planHash: string | null,
): NextStep | undefined {
  const { gate, removal } = resource;
  switch (gate?.kind) {
    case "approval":
    case "budget":
      return planHash === null
        ? { text: "approve the plan, which shows its hash", command: "innominatus plan" }
        : { text: "approve the plan", command: `innominatus approve ${visible(planHash)}` };
    case "grace":
      return {
        text:
          removal === null
            ? "ask for it again to keep it"
            : `to keep it, revert ${shortCommit(removal.commit)}${gate.until === undefined ? "" : ` before ${utc(gate.until)}`}`,
      };
    case "history":
      return { text: "to delete it, put its spec back and remove it in a commit on top" };
    case "problem":
      return { text: "fix the files that the problems name" };
    case "dependency":
    case "lock":
    case "cooldown":
      return { text: "nothing to do: it goes on by itself" };
    case undefined:
      break;
  }
  if (resource.stalled) {
    return {
      text: "mend the cause, then have it tried again",
      command: `innominatus retry ${visible(resource.uid)}`,
    };
  }
  return resource.phase === "failed"
    ? {
        text: "nothing to do: it is tried again; more about it",
        command: `innominatus why ${visible(resource.uid)}`,
      }
    : undefined;
}
