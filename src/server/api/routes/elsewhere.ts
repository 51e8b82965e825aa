/**
 * What upstream's API changes and this one does not, as it is declared in the settings or in git: each
 * answers where, and which lines to write there. Nothing here claims to have done anything.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import { stringify } from "yaml";
import { guard, type Authorize } from "../auth/authorize.ts";
import { reachOf } from "../auth/roles.ts";
import { ApiError, type ErrorStatus, type ProblemFacts } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { roles, type ScopeName } from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";
import { theResource } from "./resources.ts";

interface Elsewhere {
  readonly method: "get" | "post" | "put" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly permission: ScopeName;
  /** 405 where the thing is there to be read; 501 where it is nowhere. */
  readonly status: ErrorStatus;
  readonly answer: (asked: Asked) => ProblemFacts | Promise<ProblemFacts>;
}

interface Asked {
  readonly services: ApiServices;
  readonly context: Context<ApiEnv>;
  readonly params: Readonly<Record<string, string>>;
  readonly body: z.output<typeof body>;
}

/** Whatever of it can be read: a refusal needs no more. What is secret in it is never read. */
const body = z
  .object({
    username: z.string().max(200).catch("NAME"),
    team: z.string().max(200).catch(""),
    role: z.string().max(200).catch("operator"),
    name: z.string().max(200).catch("NAME"),
    application_name: z.string().max(200).catch("APP"),
    resource_name: z.string().max(200).catch("NAME"),
    resource_type: z.string().max(200).catch("TYPE"),
    state: z.string().max(200).catch(""),
    configuration: z.record(z.string(), z.json()).catch({}),
  })
  .catch({
    username: "NAME",
    team: "",
    role: "operator",
    name: "NAME",
    application_name: "APP",
    resource_name: "NAME",
    resource_type: "TYPE",
    state: "",
    configuration: {},
  });

const inSettings = "in innominatus.yaml, and start the controller again";

const userLines = ({ body: { username, team, role: given } }: Asked): string => {
  // Upstream has `user` and `admin`.
  const role = roles.find((it) => it === given) ?? "operator";
  const where = team === "" ? { role } : { teams: { [team]: role } };
  const user = { username, ...where, passwordHash: "HASH" };
  return `for HASH run \`innominatus user hash\`, with the password on standard input; add ${inSettings}:\n${stringify({ api: { users: [user] } })}`;
};

const all: readonly Elsewhere[] = [
  {
    method: "post",
    path: "/api/admin/users",
    summary: "Users are declared in the settings: answers the lines to add",
    permission: "admin",
    status: 405,
    answer: (asked) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${asked.body.username}" was not added`,
      hint: userLines(asked),
      headers: { allow: "GET" },
    }),
  },
  {
    method: "put",
    path: "/api/admin/users/{username}",
    summary: "Users are declared in the settings: answers the lines to change",
    permission: "admin",
    status: 405,
    answer: (asked) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${asked.params["username"]}" was not changed`,
      hint: userLines({
        ...asked,
        body: { ...asked.body, username: asked.params["username"] ?? "NAME" },
      }),
      headers: { allow: "GET" },
    }),
  },
  {
    method: "delete",
    path: "/api/admin/users/{username}",
    summary: "Users are declared in the settings: answers what to remove",
    permission: "admin",
    status: 405,
    answer: ({ params: { username = "" } }) => ({
      code: "declared-in-settings",
      detail: `users are declared in the controller's settings: "${username}" was not removed`,
      hint: `remove the entry with \`username: ${username}\` from \`api.users\` ${inSettings}: sessions and API keys of a user end with the entry`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/admin/users/{username}/api-keys",
    summary: "Nobody makes an API key for another: answers how its owner does",
    permission: "admin",
    status: 405,
    answer: ({ params: { username = "" }, body: { name } }) => ({
      code: "own-keys-only",
      detail: `an API key acts as its owner, so that only "${username}" makes one for "${username}"`,
      hint: `they run \`innominatus-ctl login --username ${username}\` and \`innominatus-ctl api-key create ${name}\`; for a machine, give it a user of its own in \`api.users\``,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/teams",
    summary: "Teams are declared in the settings: answers the lines to add",
    permission: "admin",
    status: 405,
    answer: ({ body: { name } }) => ({
      code: "declared-in-settings",
      detail: `teams are declared in the controller's settings: "${name}" was not added`,
      hint: `\`workloads\` are the names of its Score specs, with * for any characters; add ${inSettings}:\n${stringify({ api: { teams: [{ name, workloads: [`${name}-*`] }] } })}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "delete",
    path: "/api/teams/{id}",
    summary: "Teams are declared in the settings: answers what to remove",
    permission: "admin",
    status: 405,
    answer: ({ params: { id = "" } }) => ({
      code: "declared-in-settings",
      detail: `teams are declared in the controller's settings: "${id}" was not removed`,
      hint: `remove the entry with \`name: ${id}\` from \`api.teams\`, and the team from \`api.users[].teams\`, ${inSettings}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "post",
    path: "/api/resources",
    summary: "Resources are declared in Score specs: answers the lines to add",
    permission: "write",
    status: 405,
    answer: ({ body: { application_name, resource_name, resource_type, configuration } }) => ({
      code: "declared-in-git",
      detail: `resources are declared in Score specs: "${application_name}.${resource_name}" was not made`,
      hint: `add to the spec of ${application_name}, and commit it or submit it with \`innominatus-ctl deploy\`:\n${stringify(
        {
          resources: {
            [resource_name]: {
              type: resource_type,
              ...(Object.keys(configuration).length === 0 ? {} : { params: configuration }),
            },
          },
        },
      )}`,
      headers: { allow: "GET" },
    }),
  },
  {
    method: "put",
    path: "/api/resources/{id}",
    summary: "Resources are declared in Score specs: answers the lines to change",
    permission: "write",
    status: 405,
    async answer(asked) {
      const { body: given } = asked;
      const { uid, name, place, type } = await writable(asked);
      const lines = { resources: { [name]: { type, params: given.configuration } } };
      const detail =
        given.state === ""
          ? `what ${uid} is to be is declared in ${place.file}: nothing was changed`
          : `the state of ${uid} follows from its runs: it was not set to "${given.state}"`;
      const retry = `\`innominatus-ctl resource retry ${uid}\` tries again what failed, and \`innominatus-ctl why ${uid}\` says what happens next`;
      return {
        code: "declared-in-git",
        detail,
        hint:
          given.state !== "" || Object.keys(given.configuration).length === 0
            ? `change its params in ${place.file}; ${retry}`
            : `change it in ${place.file}, and commit it or submit it with \`innominatus-ctl deploy\`:\n${stringify(lines)}`,
        headers: { allow: "GET" },
      };
    },
  },
  {
    method: "delete",
    path: "/api/resources/{id}",
    summary: "Resources are declared in Score specs: answers what to remove",
    permission: "write",
    status: 405,
    async answer(asked) {
      const { uid, name, place } = await writable(asked);
      return {
        code: "declared-in-git",
        detail: `${uid} is declared in ${place.file}: nothing was deleted`,
        hint: `remove \`resources.${name}\` from ${place.file} and commit it: \`innominatus-ctl resource delete ${uid}\` does so`,
        headers: { allow: "GET" },
      };
    },
  },
];

export function elsewhereRoutes(services: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const router = createRouter();
  for (const { method, path, summary, permission, status, answer } of all) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, it = ""]) => it);
    const params = z.object(Object.fromEntries(names.map((it) => [it, z.string().max(500)])));
    router.openapi(
      createRoute({
        method,
        path,
        summary,
        ...guard(authorize, permission),
        request: { params },
        responses: problems,
      }),
      async (context) => {
        const asked = {
          services,
          context,
          params: params.parse(context.req.param()),
          body: body.parse(parsed(await context.req.text())),
        };
        throw new ApiError(status, await answer(asked));
      },
    );
  }
  return router;
}

/** `undefined` where it is no JSON, or nested so deep that only harm is meant. */
function parsed(text: string): unknown {
  let [depth, deepest] = [0, 0];
  for (const it of text) {
    if (it === "{" || it === "[") deepest = Math.max(deepest, ++depth);
    else if (it === "}" || it === "]") depth -= 1;
  }
  if (deepest > 50) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const writable = ({ services: { db, settings }, context, params: { id = "" } }: Asked) =>
  theResource(db, id, reachOf(context.get("principal"), "write", settings.teams));
