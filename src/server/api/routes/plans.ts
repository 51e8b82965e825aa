/** Environments and their plans, and the approval of one by its hash (laws 4 and 11). */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { approvePlan } from "../../../store/approvals.ts";
import { pageOfEnvironments } from "../../../store/environments.ts";
import { appendEvents } from "../../../store/events.ts";
import { pageOfPlans, type ListedPlan } from "../../../store/plan-pages.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { covers, reachOf, type Reach } from "../auth/roles.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import {
  approval,
  approved,
  environment,
  environmentQuery,
  planQuery,
  recordedPlan,
} from "../schemas/record.ts";
import type { ApiServices } from "../services.ts";

const planKey = z.tuple([z.iso.datetime({ precision: 6 }), z.string(), z.string(), z.string()]);
const hash = z
  .string()
  .regex(/^[0-9a-f]{8,64}$/)
  .meta({ description: "Hash of the plan, or its first 8 characters or more" });

export function planRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, clock } = services;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/environments",
      summary: "Watched branches, as the last look at each was",
      ...guard(authorize, "read"),
      request: { query: environmentQuery },
      responses: pageResponses(environment, "By repository and name"),
    }),
    async (context) => {
      const { repository, ...rest } = context.req.valid("query");
      const page = readPage(rest, z.tuple([z.string(), z.string()]));
      const [inRepository = "", inEnvironment = ""] = page.after ?? [];
      const after = page.after && { repository: inRepository, environment: inEnvironment };
      const found = await pageOfEnvironments(db, repository, after, page.limit + 1);
      const items = endPage(context, page, found, (it) => [it.repository, it.environment]);
      const views = items.map((it) => ({
        name: it.environment,
        repository: it.repository,
        branch: it.branch,
        applied_commit: it.appliedCommit,
        observed_commit: it.observedCommit,
        observed_at: it.observedAt,
        plan_hash: it.planHash,
        reason: it.reason,
        message: it.message,
        problems: [...it.problems],
      }));
      return context.json(views, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/plans",
      summary: "Plans, by when their commits were seen",
      ...guard(authorize, "read"),
      request: { query: planQuery },
      responses: pageResponses(
        recordedPlan,
        "Newest first; operations that do nothing are left out",
      ),
    }),
    async (context) => {
      const { environment: inEnvironment, repository, ...rest } = context.req.valid("query");
      const page = readPage(rest, planKey);
      const filter = { repository, environment: inEnvironment };
      const found = await pageOfPlans(db, filter, page.after, page.limit + 1);
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const items = endPage(context, page, found, (it) => [
        it.seenKey,
        it.repository,
        it.environment,
        it.commit,
      ]);
      return context.json(
        items.map((it) => planView(it, reach)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/plans/{hash}",
      summary: "One plan",
      ...guard(authorize, "read"),
      request: { params: z.object({ hash }) },
      responses: {
        200: {
          description: "The latest of the hash",
          content: { "application/json": { schema: recordedPlan } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const given = context.req.valid("param").hash;
      const [found] = await pageOfPlans(db, { hash: given }, undefined, 1);
      if (found === undefined) throw notFound(`plan ${given}`);
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      return context.json(planView(found, reach), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/plans/{hash}/approve",
      summary: "Approve exactly this plan",
      ...guard(authorize, "approve"),
      request: {
        params: z.object({ hash }),
        body: { required: false, content: { "application/json": { schema: approval } } },
      },
      responses: {
        200: {
          description: "The next pass carries it out",
          content: { "application/json": { schema: approved } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const given = context.req.valid("param").hash;
      // Without a body there is nothing that was checked.
      const { reason } = approval.parse(context.req.valid("json"));
      const principal = context.get("principal");
      const reach = reachOf(principal, "approve", settings.teams);
      const found = await theCurrentPlan(services, given);
      const { repository, environment: name, commit } = found;
      const beyond = found.plan.operations.filter((it) => !covers(reach, it.workload));
      if (beyond.length > 0) {
        throw new ApiError(403, {
          code: "beyond-reach",
          detail: `the plan is for workloads, too, that you may not approve for: ${[...new Set(beyond.map((it) => it.workload))].join(", ")}`,
          hint: "an approval is for the whole of a plan: ask somebody who may",
        });
      }
      const scope = { repository, environment: name };
      const approver = principal.actor;
      const plan = found.plan.hash;
      await db.transaction(async (tx) => {
        await approvePlan(tx, scope, { plan, approver, reason });
        const data = { plan, reason };
        const fact = { ...scope, type: "PlanApproved", actor: approver, correlation: plan, data };
        await appendEvents(tx, [{ ...fact, commit }], clock.now().getTime());
        await tx.query(`select pg_notify('innominatus', 'approved')`);
      });
      const message = "approved: it counts for exactly this plan, and the next pass carries it out";
      return context.json({ message, hash: plan, environment: name, approver }, 200);
    },
  );

  return router;
}

/** Only what is planned now can be approved: an older plan's approval would be for nothing. */
async function theCurrentPlan({ db }: ApiServices, given: string): Promise<ListedPlan> {
  const [found, second] = await pageOfPlans(db, { hash: given, current: true }, undefined, 2);
  if (found === undefined) {
    throw new ApiError(404, {
      code: "not-found",
      detail: `${given} is no environment's current plan`,
      hint: "GET /api/plans lists them; a plan changes with its commit and with what is recorded",
    });
  }
  if (second === undefined || second.plan.hash === found.plan.hash) return found;
  throw new ApiError(409, {
    code: "ambiguous",
    detail: `several plans begin with ${given}`,
    hint: "give more of its hash",
  });
}

function planView(it: ListedPlan, reach: Reach): z.output<typeof recordedPlan> {
  const operations = it.plan.operations.filter(({ workload }) => covers(reach, workload));
  return {
    hash: it.plan.hash,
    repository: it.repository,
    environment: it.environment,
    commit: it.commit,
    author: it.author,
    subject: it.subject,
    seen_at: it.seenAt,
    current: it.current,
    approved: it.approved,
    needs_approval:
      it.current && it.plan.operations.some(({ gate }) => gate !== null && awaits.has(gate.kind)),
    summary: it.plan.summary,
    operations,
  };
}

const awaits: ReadonlySet<string> = new Set(["approval", "budget"]);
