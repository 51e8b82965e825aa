/** Resources: listed, shown, retried, and the value behind a reference for those who may see it. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { vaultOn } from "../../../controller/services.ts";
import type { Queryable } from "../../../store/database.ts";
import { appendEvents, listEvents } from "../../../store/events.ts";
import {
  findResources,
  pageOfResources,
  type ListedResource,
} from "../../../store/resource-pages.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { covers, likePatterns, reachOf, type Reach } from "../auth/roles.ts";
import { endPage, readPage } from "../pages.ts";
import { ApiError, notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import {
  resource,
  resourceDetail,
  resourceQuery,
  retried,
  secretValue,
} from "../schemas/resource.ts";
import type { ApiServices } from "../services.ts";
import { retryResource } from "../retry.ts";
import { phaseOfState, resourceView } from "../views/resource.ts";

export const resourceId = z.object({
  id: z.string().min(1).max(500).meta({ description: "Id, or uid (percent-encoded)" }),
});
const key = z.tuple([z.string(), z.string(), z.string()]);

export function resourceRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, clock, sealer } = services;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/resources",
      summary: "Resources of all environments",
      ...guard(authorize, "read"),
      request: { query: resourceQuery },
      responses: pageResponses(
        resource,
        "By repository, environment and uid; deleted ones with `state=terminated` only",
      ),
    }),
    async (context) => {
      const { app, type, state, environment, repository, provider, ...rest } =
        context.req.valid("query");
      const page = readPage(rest, key);
      const filter = {
        repository,
        environment,
        workload: app,
        type,
        phase: state === undefined ? undefined : phaseOfState(state),
        provider,
        workloads: likePatterns(reachOf(context.get("principal"), "read", settings.teams)),
      };
      const [inRepository = "", inEnvironment = "", uid = ""] = page.after ?? [];
      const after =
        page.after === undefined
          ? undefined
          : { repository: inRepository, environment: inEnvironment, uid };
      const found = await pageOfResources(db, filter, after, page.limit + 1);
      const items = endPage(context, page, found, (it) => [it.repository, it.environment, it.uid]);
      return context.json(items.map(resourceView), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/resources/{id}",
      summary: "One resource",
      ...guard(authorize, "read"),
      request: { params: resourceId },
      responses: {
        200: {
          description: "With what happened to it last",
          content: { "application/json": { schema: resourceDetail } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const reach = reachOf(context.get("principal"), "read", settings.teams);
      const found = await theResource(db, context.req.valid("param").id, reach);
      const events = await listEvents(db, found, { uid: found.uid, limit: 10 });
      const transitions = events.map((it) => ({
        to_state: it.type,
        reason: typeof it.data["reason"] === "string" ? it.data["reason"] : "",
        transitioned_by: it.actor,
        transitioned_at: it.at,
      }));
      return context.json({ ...resourceView(found), state_transitions: transitions }, 200);
    },
  );

  router.openapi(
    createRoute({
      method: "post",
      path: "/api/resources/{id}/retry",
      summary: "Try again what failed",
      ...guard(authorize, "write"),
      request: { params: resourceId },
      responses: {
        200: {
          description: "The next pass tries it",
          content: { "application/json": { schema: retried } },
        },
        ...problems,
      },
    }),
    async (context) => {
      const principal = context.get("principal");
      const found = await theResource(db, context.req.valid("param").id, "everything");
      refuseBeyond(reachOf(principal, "write", settings.teams), found);
      return context.json(await retryResource(services, principal, found), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/resources/{id}/secrets/{key}",
      summary: "The value behind a reference; that it was read is on the audit trail",
      ...guard(authorize, "secrets"),
      request: { params: resourceId.extend({ key: z.string().min(1).max(500) }) },
      responses: {
        200: { description: "The value", content: { "application/json": { schema: secretValue } } },
        ...problems,
      },
    }),
    async (context) => {
      const principal = context.get("principal");
      const given = context.req.valid("param");
      const found = await theResource(db, given.id, "everything");
      refuseBeyond(reachOf(principal, "secrets", settings.teams), found);
      const { uid } = found;
      const reference = Object.hasOwn(found.secretRefs, given.key)
        ? found.secretRefs[given.key]
        : undefined;
      const absent = notFound(`secret "${given.key}" of ${uid}`);
      if (reference === undefined) throw absent;
      // The event first: nobody reads a value that the trail does not have.
      const value = await db.transaction(async (tx) => {
        const scope = scopeOf(found);
        const read = await vaultOn(sealer, tx).get({ ...scope, uid, key: given.key });
        if (read === undefined) return undefined;
        const data = { key: given.key };
        const fact = { ...scope, type: "SecretRead", actor: principal.actor, uid, data };
        await appendEvents(tx, [fact], clock.now().getTime());
        return read;
      });
      if (value === undefined) throw absent;
      return context.json({ key: given.key, reference, value }, 200);
    },
  );

  return router;
}

const scopeOf = ({ repository, environment }: ListedResource) => ({ repository, environment });

/** @throws {ApiError} where there is none within reach, or several */
export async function theResource(
  db: Queryable,
  given: string,
  reach: Reach,
): Promise<ListedResource> {
  const [found, second] = await findResources(db, given, likePatterns(reach));
  if (found === undefined) throw notFound(`resource "${given}"`);
  const isOnly = second === undefined || found.id === given || second.phase === "deleted";
  if (isOnly) return found;
  throw new ApiError(409, {
    code: "ambiguous",
    detail: `"${given}" is several resources`,
    hint: `name one by its id: ${found.id} in ${found.environment}, ${second.id} in ${second.environment}`,
  });
}

/** Where one may not see it either, it is not there. */
export function refuseBeyond(reach: Reach, { workload, uid }: ListedResource): void {
  if (!covers(reach, workload)) throw notFound(`resource "${uid}"`);
}
