/** What is said on an open pull request: what its merge would do, by comment, statuses and check run. */
import type { JsonRecord } from "../model/json.ts";
import { planCheck } from "../report/comment/check-run.ts";
import { aloofComment } from "../report/comment/closed.ts";
import { markerOf } from "../report/comment/marker.ts";
import { openComment, type Note, type Planning } from "../report/comment/open.ts";
import {
  deletionVerdict,
  noDeletions,
  pendingVerdict,
  planVerdict,
} from "../report/comment/statuses.ts";
import { savePlans, type PullRequestRecord } from "../store/pull-requests.ts";
import {
  answerOf,
  environmentsOf,
  textLimit,
  type PullRequestContext,
} from "./pull-request-context.ts";
import type { PullRequestPlanners } from "./pull-request-planners.ts";
import { plansOf } from "./pull-request-record.ts";

export type Earlier = Pick<PullRequestRecord, "number" | "base" | "plans">;

/** @param before what the open pull requests with lower numbers would do, as planned in this pass */
export type PublishOpen = (
  record: PullRequestRecord,
  before: readonly Earlier[],
  signal: AbortSignal,
) => Promise<{ readonly again: number | undefined; readonly plans: JsonRecord }>;

export function openPublisher(
  context: PullRequestContext,
  planners: PullRequestPlanners,
): PublishOpen {
  const { services, repository, forge, publisher } = context;
  const { db } = services;
  /** What was published whole, and needs no second look while it stays so. */
  const done = new Map<number, { readonly key: string; readonly plannings: readonly Planning[] }>();

  return async (record, before, signal) => {
    const environments = environmentsOf(context, record.base);
    const { number, head, base, url } = record;
    if (environments.length === 0) {
      if (record.comment === null) return { again: undefined, plans: {} };
      const marker = markerOf(repository, environments);
      const wanted = { marker, body: aloofComment(base), stage: `aloof ${base}` };
      return { again: await publisher.comment(record, wanted, signal), plans: {} };
    }
    const planned = await planners.plan(record, environments, signal);
    if (planned === undefined) {
      for (const it of environments) await publisher.status(head, pendingVerdict(it), url, signal);
      return { again: undefined, plans: {} };
    }
    const { plannings, plans } = planned;
    const told = plannings.map((it) => withOthers(it, before));
    const key = JSON.stringify([record, told.map((it) => (it.kind === "planned" ? it.notes : it))]);
    const last = done.get(number);
    if (last?.key === key && last.plannings.every((it, index) => it === plannings[index])) {
      return { again: undefined, plans };
    }
    await savePlans(db, repository, number, plans);
    const limit = textLimit(forge);
    const body = `${openComment(record, told, forge.links, limit)}${answerOf(record)}`;
    const wanted = {
      marker: markerOf(repository, environments),
      body,
      stage: `open ${base} ${head}`,
    };
    const again = await publisher.comment(record, wanted, signal);
    for (const it of told) {
      await publisher.status(head, planVerdict(it), url, signal);
      await publisher.check(head, planCheck(it), signal);
      if (it.kind !== "planned") continue;
      const none = noDeletions(it.plan.environment);
      const deletions =
        deletionVerdict(it.plan) ?? ((await publisher.said(head, none.context)) ? none : undefined);
      if (deletions !== undefined) await publisher.status(head, deletions, url, signal);
    }
    if (again === undefined) done.set(number, { key, plannings });
    return { again, plans };
  };
}

/** The later of two says that they touch the same: the one with the higher number. */
function withOthers(planning: Planning, before: readonly Earlier[]): Planning {
  if (planning.kind !== "planned") return planning;
  const { operations, environment } = planning.plan;
  const own = new Set(operations.filter((it) => it.operation !== "none").map((it) => it.uid));
  const notes = before.flatMap((other): Note[] =>
    (plansOf(other)[environment]?.operations ?? [])
      .filter((it) => it.operation !== "none" && own.has(it.uid))
      .map(({ uid }) => ({ kind: "also-touched", uid, number: other.number })),
  );
  return notes.length === 0 ? planning : { ...planning, notes: [...planning.notes, ...notes] };
}
