/** Providers as they are loaded now, and counts of what there is. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { compareText } from "../../../model/problem.ts";
import { workflowOperations } from "../../../model/workflow.ts";
import type { Provider } from "../../../provider/provider.ts";
import { countAll, countPinned } from "../../../store/api-figures.ts";
import { countUsers } from "../../../store/api-users.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { likePatterns, reachOf } from "../auth/roles.ts";
import { endPage, readPage, type Page } from "../pages.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import { pageQuery } from "../schemas/common.ts";
import {
  adminProvider,
  provider,
  providerStats,
  stats,
  type ApiProvider,
} from "../schemas/record.ts";
import type { ApiServices } from "../services.ts";

const key = z.tuple([z.string(), z.string(), z.string()]);
type Key = z.output<typeof key>;

export function providerRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings } = services;
  const router = createRouter();
  /** Two of one name and version come from two places. */
  const keyOf = (it: Provider): Key => [it.name, it.version, sourceOf(it)];
  const pageOf = (page: Page<Key>): readonly Provider[] =>
    services
      .providers()
      .toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)))
      .filter((it) => page.after === undefined || compareKeys(keyOf(it), page.after) > 0)
      .slice(0, page.limit + 1);

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/providers",
      summary: "Providers, and the types they serve",
      ...guard(authorize, "read"),
      request: { query: pageQuery },
      responses: pageResponses(provider, "By name"),
    }),
    (context) => {
      const page = readPage(context.req.valid("query"), key);
      return context.json(endPage(context, page, pageOf(page), keyOf).map(providerView), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/providers/stats",
      summary: "How many providers there are",
      ...guard(authorize, "read"),
      responses: {
        200: { description: "Counts", content: { "application/json": { schema: providerStats } } },
        ...problems,
      },
    }),
    (context) => {
      const all = services.providers();
      const provisioners = all.reduce((sum, it) => sum + it.capabilities.length, 0);
      return context.json({ providers: all.length, provisioners }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/admin/providers",
      summary: "Providers, what is wrong with them, and what is pinned to them",
      ...guard(authorize, "admin"),
      request: { query: pageQuery },
      responses: pageResponses(adminProvider, "By name"),
    }),
    async (context) => {
      const page = readPage(context.req.valid("query"), key);
      const pinned = await countPinned(db);
      const items = endPage(context, page, pageOf(page), keyOf).map((it) => ({
        ...providerView(it),
        resources:
          pinned.find(({ provider: name, version }) => name === it.name && version === it.version)
            ?.count ?? 0,
        broken: it.broken.map(({ type, message }) => ({ type, message })),
      }));
      return context.json(items, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/stats",
      summary: "How much there is of everything",
      ...guard(authorize, "read"),
      responses: {
        200: { description: "Counts", content: { "application/json": { schema: stats } } },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const counted = await countAll(db, likePatterns(reach));
      const users = settings.users.length + (await countUsers(db));
      return context.json({ ...counted, users }, 200);
    },
  );
  return router;
}

const sourceOf = ({ source, place }: Provider): string =>
  `${source.layer}: ${source.label}, ${place.file}`;

function compareKeys(a: Key, b: Key): number {
  const differing = a.findIndex((it, index) => it !== b[index]);
  return differing < 0 ? 0 : compareText(a[differing] ?? "", b[differing] ?? "");
}

const providerView = (it: Provider): ApiProvider => ({
  name: it.name,
  version: it.version,
  category: it.category,
  description: it.description,
  source: sourceOf(it),
  capabilities: it.capabilities.map((capability) => ({
    type: capability.type,
    alias_for: capability.aliasFor ?? null,
    stateful: capability.stateful,
    operations: workflowOperations.filter((operation) => operation in capability.operations),
  })),
  workflows: [...it.workflows.values()].map(({ name, parameters, steps }) => ({
    name,
    parameters: parameters.map((parameter) => parameter.name),
    steps: steps.length,
  })),
});
