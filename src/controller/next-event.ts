/** What happens next to a resource, and when: from its record alone, so that every replica says the same. */
import type { Recorded } from "../model/resource.ts";
import type { Wait } from "../model/wait.ts";
import { adviceFor } from "../plan/render/advice.ts";
import type { NextEvent } from "./explanation.ts";

/**
 * @param waits what keeps its run from starting, or from being tried again
 * @param underWay runs of its provider that are under way, of which there is a bound
 */
export function nextEvent(
  resource: Recorded,
  planHash: string | null,
  waits: readonly Wait[] = [],
  underWay = 0,
): NextEvent {
  const { gate, phase, stalled, nextAttemptAt } = resource;
  const advice = adviceFor(resource, planHash);
  const command = advice?.command ?? null;
  if (gate !== null || stalled) {
    return { text: advice?.text ?? "nothing", at: gate?.until ?? null, command };
  }
  if (waits.length > 0 && phase === "failed") {
    return { text: "it is tried again", at: endOf(waits), command: null };
  }
  if (waits.length > 0 && (phase === "requested" || phase === "active")) {
    const text = "its run starts when what it waits for is over";
    return { text, at: endOf(waits), command: null };
  }
  switch (phase) {
    case "failed":
      return { text: "it is tried again", at: nextAttemptAt, command: null };
    case "requested":
      return {
        text: `its run starts as soon as a worker is free${busy(resource, underWay)}`,
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

/** When the last of them ends, where that is known of all. */
function endOf(waits: readonly Wait[]): string | null {
  const ends = waits.flatMap(({ until }) => (until === null ? [] : [until]));
  return ends.length < waits.length ? null : (ends.toSorted().at(-1) ?? null);
}

function busy({ bundle: { provider } }: Recorded, underWay: number): string {
  if (underWay === 0) return "";
  return `: ${underWay} ${underWay === 1 ? "run" : "runs"} of ${provider} ${underWay === 1 ? "is" : "are"} under way`;
}
