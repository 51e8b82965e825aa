/** Score specs: submitted and removed as commits, listed as the controller knows them. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import { readEnvironment } from "../../../store/environments.ts";
import {
  findWorkloads,
  pageOfWorkloads,
  type ListedWorkload,
} from "../../../store/workload-pages.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { covers, likePatterns, reachOf } from "../auth/roles.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { documentBody, name, pageHeaders } from "../schemas/common.ts";
import { spec, specDetail, specQuery, submitQuery, submitted } from "../schemas/spec.ts";
import type { ApiServices } from "../services.ts";
import type { SpecOutcome, SubmittedSpec } from "../../../controller/spec-store.ts";
import { specView, submittedView } from "../views/spec.ts";

const key = z.tuple([z.string(), z.string(), z.string()]);

/** `/api/applications` is upstream's older name of the same. */
const bases = ["/api/specs", "/api/applications"] as const;

export function specRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, specs, stopping } = services;
  const router = createRouter();
  for (const base of bases) {
    const old = base === "/api/applications";
    const about = (summary: string) => ({ summary, deprecated: old });
    const mark = (context: Context): void => {
      if (!old) return;
      context.header("deprecation", "true");
      context.header("x-api-warn", "use /api/specs: /api/applications is its older name");
    };

    router.openapi(
      createRoute({
        method: "get",
        path: base,
        ...about("Specs that are applied, by name"),
        ...guard(authorize, "read"),
        request: { query: specQuery },
        responses: {
          200: {
            description: "Of a name that several environments have: `environment/name`",
            headers: pageHeaders,
            content: { "application/json": { schema: z.record(z.string(), spec) } },
          },
          ...problems,
        },
      }),
      async (context) => {
        mark(context);
        const { environment, repository, ...rest } = context.req.valid("query");
        const page = readPage(rest, key);
        const reach = reachOf(context.get("principal"), "read", settings.teams);
        const filter = { environment, repository, workloads: likePatterns(reach) };
        const found = await pageOfWorkloads(db, filter, page.after, page.limit + 1);
        const items = endPage(context, page, found, (it) => [
          it.name,
          it.repository,
          it.environment,
        ]);
        const byName: Record<string, z.output<typeof spec>> = {};
        for (const it of items) {
          const taken = Object.hasOwn(byName, it.name);
          byName[taken ? `${it.environment}/${it.name}` : it.name] = specView(it, settings.teams);
        }
        return context.json(byName, 200);
      },
    );

    router.openapi(
      createRoute({
        method: "post",
        path: base,
        ...about("Submit a Score spec: it is checked, planned and committed"),
        ...guard(authorize, "write"),
        request: {
          query: submitQuery,
          body: documentBody,
        },
        responses: {
          201: {
            description: "The commit, and what it leads to",
            content: { "application/json": { schema: submitted } },
          },
          ...problems,
        },
      }),
      async (context) => {
        mark(context);
        const principal = context.get("principal");
        const reach = reachOf(principal, "write", settings.teams);
        const outcome = await specs.submit(
          await readSubmitted(context),
          context.req.valid("query"),
          { username: principal.actor },
          (workload) => covers(reach, workload),
          AbortSignal.any([stopping, context.req.raw.signal]),
        );
        return context.json(submittedView(committed(outcome), "submitted"), 201);
      },
    );

    router.openapi(
      createRoute({
        method: "get",
        path: `${base}/{name}`,
        ...about("One spec, with its text"),
        ...guard(authorize, "read"),
        request: { params: z.object({ name }), query: submitQuery },
        responses: {
          200: {
            description: "As it is applied",
            content: { "application/json": { schema: specDetail } },
          },
          ...problems,
        },
      }),
      async (context) => {
        mark(context);
        const reach = reachOf(context.get("principal"), "read", settings.teams);
        const asked = context.req.valid("query");
        const given = context.req.valid("param").name;
        const found = only(
          await findWorkloads(db, { ...asked, workloads: likePatterns(reach) }, given),
          given,
        );
        const environment = await readEnvironment(db, found);
        const commit = environment?.appliedCommit ?? undefined;
        const content =
          commit === undefined
            ? undefined
            : await specs.read(found, found.file, commit, context.req.raw.signal);
        const own = (environment?.problems ?? []).filter((it) => it.file === found.file);
        const view = specView(found, settings.teams);
        return context.json({ ...view, content: content ?? null, problems: [...own] }, 200);
      },
    );

    router.openapi(
      createRoute({
        method: "delete",
        path: `${base}/{name}`,
        ...about("Remove a spec: its removal is committed, and its resources are deleted by that"),
        ...guard(authorize, "write"),
        request: { params: z.object({ name }), query: submitQuery },
        responses: {
          200: {
            description: "The commit, and what it leads to",
            content: { "application/json": { schema: submitted } },
          },
          ...problems,
        },
      }),
      async (context) => {
        mark(context);
        const principal = context.get("principal");
        const given = context.req.valid("param").name;
        const reach = reachOf(principal, "write", settings.teams);
        if (!covers(reach, given)) throw notFound(`spec "${given}"`);
        const signal = AbortSignal.any([stopping, context.req.raw.signal]);
        const target = context.req.valid("query");
        const outcome = await specs.remove(given, target, { username: principal.actor }, signal);
        return context.json(submittedView(committed(outcome), "removed"), 200);
      },
    );
  }
  return router;
}

async function readSubmitted(context: Context): Promise<SubmittedSpec> {
  const type = (context.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const text = await context.req.text();
  if (type === "application/json") return { text, format: "json" };
  if (
    [
      "",
      "application/yaml",
      "application/x-yaml",
      "text/yaml",
      "text/plain",
      "text/x-yaml",
    ].includes(type)
  ) {
    return { text, format: "yaml" };
  }
  // What curl says of `--data-binary` that is told nothing.
  if (type === "application/x-www-form-urlencoded") return { text, format: "yaml" };
  throw new ApiError(415, {
    code: "unsupported-content-type",
    detail: `the content type is ${type}`,
    hint: "send application/yaml or application/json",
  });
}

function committed(outcome: SpecOutcome) {
  switch (outcome.kind) {
    case "committed":
      return outcome.spec;
    case "problems": {
      const count = outcome.problems.filter((it) => it.severity === "error").length;
      throw new ApiError(422, {
        code: "spec-problems",
        detail: `the spec has ${count} ${count === 1 ? "mistake" : "mistakes"}: nothing was committed`,
        problems: outcome.problems,
      });
    }
    case "refused": {
      const status = {
        "not-found": 404,
        forbidden: 403,
        conflict: 409,
        unavailable: 503,
        ambiguous: 400,
      } as const;
      throw new ApiError(status[outcome.reason], {
        code: outcome.reason,
        detail: outcome.message,
        hint: outcome.hint,
      });
    }
  }
}

function only(found: readonly ListedWorkload[], given: string): ListedWorkload {
  const [first, second] = found;
  if (first === undefined) throw notFound(`spec "${given}"`);
  if (second === undefined) return first;
  throw new ApiError(409, {
    code: "ambiguous",
    detail: `several environments have a spec "${given}"`,
    hint: "add ?environment=, and ?repository= where that does not tell them apart",
  });
}
