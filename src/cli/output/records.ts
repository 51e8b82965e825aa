/** The columns of `resources` and `runs`, and a line of `logs`. */
import type { JsonRecord } from "../../model/json.ts";
import { phaseOf, type Phase, type Recorded } from "../../model/resource.ts";
import type { Run, RunState } from "../../model/run.ts";
import type { Wait } from "../../model/wait.ts";
import { gateJson } from "../../plan/render/json.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { shortCommit, visible } from "../../plan/render/visible.ts";
import { gateText } from "../../plan/render/words.ts";
import { between } from "./elapsed.ts";
import type { Listing } from "./listing.ts";
import { waitHead, waitsJson, waitText } from "./waits.ts";

export function phaseColour(phase: Phase): keyof Painter | undefined {
  switch (phase) {
    case "active":
      return "green";
    case "failed":
      return "red";
    case "held":
      return "yellow";
    case "deleted":
      return "dim";
    case "requested":
    case "provisioning":
    case "updating":
    case "deleting":
      return "cyan";
  }
}

function stateColour(state: RunState): keyof Painter | undefined {
  switch (state) {
    case "succeeded":
      return "green";
    case "failed":
      return "red";
    case "superseded":
    case "cancelled":
      return "dim";
    case "queued":
    case "running":
    case "waiting":
      return "cyan";
  }
}

export interface ListedResource extends Recorded {
  /** What keeps its run from starting. */
  readonly waits: readonly Wait[];
}

/** What a person needs to know of a resource that is not simply active. */
function remark(resource: ListedResource): string {
  if (resource.gate !== null) return gateText(resource.gate);
  if (resource.stalled) return `stalled: ${resource.message}`;
  const [wait] = resource.waits;
  if (wait !== undefined) {
    // What went wrong says more than that something did.
    const failed = resource.phase === "failed" && resource.message !== "";
    return failed ? `${waitHead(wait)}: ${resource.message}` : waitText(wait);
  }
  return resource.phase === "active" || resource.phase === "deleted" ? "" : resource.message;
}

export const resourceListing = (now: Date): Listing<ListedResource> => ({
  columns: [
    { title: "resource", text: (it) => it.uid },
    { title: "phase", text: phaseOf, colour: (it) => phaseColour(phaseOf(it)) },
    { title: "age", text: (it) => between(it.since, now) },
    { title: "provider", text: (it) => `${it.bundle.provider}@${it.bundle.version}` },
    { title: "commit", text: (it) => shortCommit(it.commit) },
    { title: "message", text: remark },
  ],
  json: (it) => ({ ...resourceJson(it), waits: waitsJson(it.waits) }),
  empty: "no resources",
});

export const resourceJson = (it: Recorded): JsonRecord => ({
  uid: it.uid,
  workload: it.workload,
  name: it.name,
  type: it.type,
  class: it.class,
  phase: phaseOf(it),
  since: it.since,
  provider: `${it.bundle.provider}@${it.bundle.version}`,
  bundle: it.bundle.hash,
  commit: it.commit,
  file: it.place.file,
  operation: it.operation,
  run: it.run,
  reason: it.reason,
  message: it.message,
  failures: it.failures,
  stalled: it.stalled,
  nextAttemptAt: it.nextAttemptAt,
  deleteAfter: it.deleteAfter,
  protected: it.protected,
  gate: gateJson(it.gate),
  dependsOn: [...it.dependsOn],
  outputs: it.outputs,
  secretRefs: it.secretRefs,
});

export const runListing = (now: Date): Listing<Run> => ({
  columns: [
    { title: "run", text: (it) => it.id },
    { title: "resource", text: (it) => it.uid },
    { title: "operation", text: (it) => it.operation },
    { title: "state", text: (it) => it.state, colour: (it) => stateColour(it.state) },
    { title: "attempt", text: (it) => String(it.attempt) },
    { title: "age", text: (it) => between(it.queuedAt, now) },
    {
      title: "took",
      text: (it) => (it.startedAt === null ? "" : between(it.startedAt, it.endedAt ?? now)),
    },
    { title: "commit", text: (it) => shortCommit(it.commit) },
    { title: "message", text: (it) => it.message },
  ],
  json: (it) => ({
    id: it.id,
    uid: it.uid,
    operation: it.operation,
    workflow: it.workflow,
    provider: it.provider,
    state: it.state,
    reason: it.reason,
    message: it.message,
    attempt: it.attempt,
    commit: it.commit,
    bundle: it.bundle,
    plan: it.plan,
    queuedAt: it.queuedAt,
    startedAt: it.startedAt,
    endedAt: it.endedAt,
  }),
  empty: "no runs",
});

export interface LogEntry {
  readonly step: string;
  readonly at: string;
  /** Masked; may hold several lines. */
  readonly text: string;
}

/** `10:00:00.123 make | text`, one for each line of the entry; each ends with a newline. */
export function logText({ step, at, text }: LogEntry, paint: Painter = plain): string {
  const time = /T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(at)?.[1] ?? visible(at);
  const head = paint.dim(`${time} ${visible(step)} |`);
  return text
    .replace(/\r?\n$/, "")
    .split(/\r?\n/)
    .map((it) => `${head} ${visible(it.replaceAll("\t", "    "))}`.trimEnd() + "\n")
    .join("");
}
