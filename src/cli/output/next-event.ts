/** What happens next to a resource, and when: from its record alone, so that every replica says the same. */
import type { Recorded } from "../../model/resource.ts";
import { adviceFor } from "../../plan/render/advice.ts";
import type { NextEvent } from "./why.ts";

export function nextEvent(resource: Recorded, planHash: string | null): NextEvent {
  const { gate, phase, stalled, nextAttemptAt } = resource;
  const advice = adviceFor(resource, planHash);
  const command = advice?.command ?? null;
  if (gate !== null || stalled) {
    return { text: advice?.text ?? "nothing", at: gate?.until ?? null, command };
  }
  switch (phase) {
    case "failed":
      return { text: "it is tried again", at: nextAttemptAt, command: null };
    case "requested":
      return {
        text: "its run starts as soon as a worker is free",
        at: nextAttemptAt,
        command: null,
      };
    case "provisioning":
    case "updating":
    case "deleting":
      return { text: "its run goes on", at: nextAttemptAt, command: null };
    case "active":
      return { text: "nothing, until a commit changes it", at: null, command: null };
    case "deleted":
      return {
        text: "nothing: it is deleted, and only its record is kept",
        at: null,
        command: null,
      };
  }
}
