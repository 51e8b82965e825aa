/** Who there is, for administrators: users and teams as the settings have them, and everybody's API keys. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { compareText } from "../../../model/problem.ts";
import { listKeys, removeKey } from "../../../store/api-sessions.ts";
import { appendEvents } from "../../../store/events.ts";
import { listAccounts, type ListedAccount } from "../auth/accounts.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { highestRole, type Team } from "../auth/roles.ts";
import { endPage, readPage, type Page } from "../pages.ts";
import { notFound } from "../problem.ts";
import { createRouter, pageResponses, problems, type ApiEnv } from "../router.ts";
import { name } from "../schemas/common.ts";
import { peopleQuery, team, teamId, user, username } from "../schemas/people.ts";
import { apiKey } from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";
import { keyView } from "../views/api-key.ts";

/** `/api/users` is upstream's other name of the same list. */
const lists = ["/api/users", "/api/admin/users"] as const;

export function peopleRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const { db, settings, clock } = services;
  const router = createRouter();

  for (const path of lists) {
    router.openapi(
      createRoute({
        method: "get",
        path,
        summary: "Users who can log in with a password",
        ...guard(authorize, "admin"),
        request: { query: peopleQuery },
        responses: pageResponses(user, "By name"),
      }),
      async (context) => {
        const page = readPage(context.req.valid("query"), z.string());
        const all = await listAccounts(db, settings);
        const found = cut(all, page, (it) => it.username);
        return context.json(endPage(context, page, found, (it) => it.username).map(userView), 200);
      },
    );
  }

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/admin/users/{username}",
      summary: "One user",
      ...guard(authorize, "admin"),
      request: { params: username },
      responses: {
        200: { description: "The user", content: { "application/json": { schema: user } } },
        ...problems,
      },
    }),
    async (context) => {
      const given = context.req.valid("param").username;
      const found = (await listAccounts(db, settings)).find((it) => it.username === given);
      if (found === undefined) throw notFound(`user "${given}"`);
      return context.json(userView(found), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/admin/users/{username}/api-keys",
      summary: "API keys of a user, also of one who is gone",
      ...guard(authorize, "admin"),
      request: { params: username, query: peopleQuery },
      responses: pageResponses(apiKey, "By name"),
    }),
    async (context) => {
      const given = context.req.valid("param").username;
      const page = readPage(context.req.valid("query"), z.string());
      const found = await listKeys(db, given, { after: page.after, limit: page.limit + 1 });
      if (found.length === 0) {
        const known = (await listAccounts(db, settings)).some((it) => it.username === given);
        if (!known) throw notFound(`user "${given}"`);
      }
      return context.json(endPage(context, page, found, (it) => it.name).map(keyView), 200);
    },
  );

  router.openapi(
    createRoute({
      method: "delete",
      path: "/api/admin/users/{username}/api-keys/{name}",
      summary: "Revoke an API key of a user; it is on the audit trail",
      ...guard(authorize, "admin"),
      request: { params: username.extend({ name }) },
      responses: { 204: { description: "Revoked" }, ...problems },
    }),
    async (context) => {
      const given = context.req.valid("param");
      const actor = context.get("principal").actor;
      const removed = await db.transaction(async (tx) => {
        if (!(await removeKey(tx, given.username, given.name))) return false;
        const fact = { repository: "", environment: "", type: "ApiKeyRevoked", actor };
        const data = { name: given.name, username: given.username };
        await appendEvents(tx, [{ ...fact, data }], clock.now().getTime());
        return true;
      });
      if (!removed) throw notFound(`API key "${given.name}" of "${given.username}"`);
      return context.body(null, 204);
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/teams",
      summary: "Teams, what is theirs, and who is in them",
      ...guard(authorize, "admin"),
      request: { query: peopleQuery },
      responses: pageResponses(team, "By name"),
    }),
    async (context) => {
      const page = readPage(context.req.valid("query"), z.string());
      const users = await listAccounts(db, settings);
      const sorted = settings.teams.toSorted((a, b) => compareText(a.name, b.name));
      const found = cut(sorted, page, (it) => it.name);
      const items = endPage(context, page, found, (it) => it.name);
      return context.json(
        items.map((it) => teamView(it, users)),
        200,
      );
    },
  );

  router.openapi(
    createRoute({
      method: "get",
      path: "/api/teams/{id}",
      summary: "One team",
      ...guard(authorize, "admin"),
      request: { params: teamId },
      responses: {
        200: { description: "The team", content: { "application/json": { schema: team } } },
        ...problems,
      },
    }),
    async (context) => {
      const { id } = context.req.valid("param");
      const found = settings.teams.find((it) => it.name === id);
      if (found === undefined) throw notFound(`team "${id}"`);
      return context.json(teamView(found, await listAccounts(db, settings)), 200);
    },
  );
  return router;
}

/** One more than the page has, of what is sorted by its key. */
const cut = <Item>(
  all: readonly Item[],
  { after, limit }: Page<string>,
  keyOf: (item: Item) => string,
): readonly Item[] =>
  all.filter((it) => after === undefined || compareText(keyOf(it), after) > 0).slice(0, limit + 1);

const userView = (it: ListedAccount): z.output<typeof user> => ({
  username: it.username,
  team: Object.keys(it.teams)[0] ?? "",
  role: highestRole(it),
  teams: { ...it.teams },
  everywhere: it.role,
  source: it.source,
});

const teamView = (
  { name: id, workloads }: Team,
  users: readonly ListedAccount[],
): z.output<typeof team> => ({
  id,
  name: id,
  description: "",
  workloads: [...workloads],
  members: users.flatMap(({ username: member, teams }) => {
    const role = Object.hasOwn(teams, id) ? teams[id] : undefined;
    return role === undefined ? [] : [{ username: member, role }];
  }),
});
