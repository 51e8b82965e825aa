/**
 * Requests that upstream's API grants and this one does not: each is there, checked like any other, and
 * answers what to do instead. Nothing here claims to have done anything.
 */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import { guard, type Authorize } from "../auth/authorize.ts";
import { ApiError, type ErrorStatus, type ProblemFacts } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import type { ScopeName } from "../schemas/session.ts";
import type { ApiServices } from "../services.ts";

export interface Refused {
  readonly method: "get" | "post" | "put" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly permission: ScopeName;
  /** 405 where the thing is there to be read; 501 where it is nowhere. */
  readonly status: ErrorStatus;
  readonly answer: (asked: Asked) => ProblemFacts | Promise<ProblemFacts>;
}

export interface Asked {
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
    parameters: z.record(z.string(), z.json()).catch({}),
    application: z.string().max(200).catch("APP"),
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
    parameters: {},
    application: "APP",
  });

export function refusedRoutes(
  services: ApiServices,
  authorize: Authorize,
  all: readonly Refused[],
): OpenAPIHono<ApiEnv> {
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
