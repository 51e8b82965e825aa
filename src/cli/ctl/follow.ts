/**
 * Follows what a submitted commit leads to, by polling, until every resource it concerns has ended
 * well, has failed or is held. A resource is judged by what changed since before the commit: that one
 * is active says nothing while its old state is still shown.
 */
import type { Clock } from "../../model/clock.ts";
import type { Operation } from "../../model/plan.ts";
import { phases, type Phase } from "../../model/resource.ts";
import { isUid } from "../../model/uid.ts";
import type { Progress, ProgressEvent } from "../output/progress.ts";
import { environment, resource, workflow, type Plan, type Resource } from "./answers.ts";
import type { Client } from "./client.ts";
import { nameOf, remarkOf, stateOf } from "./resources.ts";

export interface Following {
  /** What the commit leads to, each to be waited for. */
  readonly operations: Plan["operations"];
  readonly environment: string;
  readonly commit: string;
  /** As they were before it, by `scopedName`. */
  readonly before: ReadonlyMap<string, Resource>;
  readonly timeoutMs: number;
}

export type FollowEnd = "done" | "failed" | "held" | "timed-out";

const pollMs = 300;

export async function follow(
  client: Client,
  following: Following,
  progress: Progress,
  clock: Clock,
  stop: AbortSignal,
): Promise<FollowEnd> {
  const { operations, environment: name, commit, before, timeoutMs } = following;
  const deadline = clock.now().getTime() + timeoutMs;
  for (;;) {
    const now = new Map(
      (await client.list("/api/resources", resource, { environment: name })).map((it) => [
        nameOf(it),
        it,
      ]),
    );
    const looked = await hasLooked(client, name, commit);
    const ends = await Promise.all(
      operations.map(async ({ uid, operation }) => {
        const found = now.get(uid);
        const end = endOf(operation, found, before.get(uid), looked);
        if (!isUid(uid)) return end;
        const event = { uid, operation: wordOf(operation) };
        if (found === undefined) {
          if (end === "done") progress.event({ ...event, phase: "deleted" });
          return end;
        }
        if (end === undefined && found.state === "active") return end;
        progress.event({ ...event, ...(await detailsOf(client, found)) });
        return end;
      }),
    );
    if (ends.every((it) => it !== undefined)) {
      return ends.includes("failed") ? "failed" : ends.includes("held") ? "held" : "done";
    }
    if (clock.now().getTime() >= deadline) return "timed-out";
    await clock.sleep(pollMs, stop);
  }
}

/** The controller has planned for this commit: what it holds, it holds because of it. */
async function hasLooked(client: Client, name: string, commit: string): Promise<boolean> {
  const all = await client.list("/api/environments", environment);
  return all.some((it) => it.name === name && it.observed_commit === commit);
}

/** `undefined` while it is under way, or not begun. */
function endOf(
  operation: string,
  found: Resource | undefined,
  before: Resource | undefined,
  looked: boolean,
): "done" | "failed" | "held" | undefined {
  const isGone = found === undefined || found.state === "terminated";
  if (operation === "delete" && isGone) return looked || before !== undefined ? "done" : undefined;
  if (found === undefined) return undefined;
  if (found.gate !== null) return looked ? "held" : undefined;
  const isNew = found.workflow_execution_id !== (before?.workflow_execution_id ?? null);
  if (!isNew) return undefined;
  if (found.state === "failed") return "failed";
  return operation !== "delete" && found.state === "active" ? "done" : undefined;
}

const verbs = ["create", "update", "delete", "replace", "adopt", "none"] as const;

const wordOf = (given: string): Operation => verbs.find((it) => it === given) ?? "update";

const upstreamStates: { readonly [state: string]: Phase } = {
  terminating: "deleting",
  terminated: "deleted",
  scaling: "updating",
};

const phaseOf = (state: string): Phase =>
  upstreamStates[state] ?? phases.find((it) => it === state) ?? "requested";

async function detailsOf(
  client: Client,
  found: Resource,
): Promise<Pick<ProgressEvent, "phase" | "step" | "message">> {
  const phase = phaseOf(stateOf(found));
  const remark = remarkOf(found);
  const message = remark === "" ? {} : { message: remark };
  const run = found.workflow_execution_id;
  if (run === null || !["provisioning", "updating", "deleting"].includes(phase)) {
    return { phase, ...message };
  }
  const { steps, total_steps: of } = await client.call(
    `/api/workflows/${encodeURIComponent(run)}`,
    workflow,
  );
  const last = steps.findLast((it) => it.status !== "pending");
  if (last === undefined) return { phase, ...message };
  const number = last.step_number;
  const step = { name: last.step_name, number, of: Math.max(of, number) };
  return { phase, step, ...message };
}
