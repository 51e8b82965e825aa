/** What upstream has and this controller has not: an assistant, a demonstration in the server, its own OIDC login. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { guard, type Authorize } from "../auth/authorize.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import type { ApiServices } from "../services.ts";
import type { Refused } from "./refused.ts";

const refused = (
  method: Refused["method"],
  path: string,
  permission: Refused["permission"],
  [code, detail, hint]: readonly [string, string, string],
): Refused => ({
  method,
  path,
  permission,
  summary: `Not offered: ${detail}`,
  status: 501,
  answer: () => ({ code, detail, hint }),
});

const assistant = [
  "no-assistant",
  "there is no assistant here, and no model is asked anything",
  "`innominatus-ctl validate` and `why` say what is wrong and what happens next; /api/openapi.json tells a model of yours what it may ask",
] as const;

const demonstration = [
  "demo-runs-locally",
  "the demonstration is no part of a server",
  "run `innominatus-ctl demo-time`: it brings a repository, a controller and a database of its own, and leaves nothing",
] as const;

const reset = [
  "demo-runs-locally",
  "a server's record is not reset: what it made would be left to nobody",
  "remove the specs in git, which deletes what they asked for; `innominatus-ctl demo-nuke` clears up after a demonstration",
] as const;

const oidcToken = [
  "no-code-exchange",
  "codes of an identity provider are not exchanged here",
  "send a token of the issuer of `api.oidc` as `Authorization: Bearer …`: it is taken as it is",
] as const;

const socket = [
  "no-websocket",
  "graphs are not sent through a WebSocket",
  "`GET /api/events/stream?app=` tells of every change as it is recorded, as server-sent events",
] as const;

export const notOffered: readonly Refused[] = [
  refused("get", "/api/graph/{app}/ws", "read", socket),
  refused("post", "/api/ai/chat", "read", assistant),
  refused("post", "/api/ai/generate-spec", "read", assistant),
  refused("get", "/api/demo/status", "read", demonstration),
  refused("post", "/api/demo/time", "read", demonstration),
  refused("post", "/api/demo/nuke", "read", demonstration),
  refused("post", "/api/admin/demo/reset", "admin", reset),
  refused("post", "/api/oidc/token", "read", oidcToken),
];

const aiStatus = z
  .object({ enabled: z.boolean(), message: z.string() })
  .meta({ id: "AssistantStatus" });
const oidcConfig = z
  .object({ enabled: z.boolean(), auth_url: z.string(), client_id: z.string() })
  .meta({ id: "OidcConfig" });

/** What a client asks before it shows a button. */
export function assistantRoutes(_: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const router = createRouter();
  router.openapi(
    createRoute({
      method: "get",
      path: "/api/ai/status",
      summary: "Whether there is an assistant",
      ...guard(authorize, "read"),
      responses: {
        200: { description: "None", content: { "application/json": { schema: aiStatus } } },
        ...problems,
      },
    }),
    (context) => context.json({ enabled: false, message: assistant[1] }, 200),
  );
  router.openapi(
    createRoute({
      method: "get",
      path: "/api/oidc/config",
      summary: "Whether a browser may log in through the identity provider here",
      security: [],
      responses: {
        200: {
          description: "It may not: the issuer's tokens are taken as they are",
          content: { "application/json": { schema: oidcConfig } },
        },
        ...problems,
      },
    }),
    (context) => context.json({ enabled: false, auth_url: "", client_id: "" }, 200),
  );
  return router;
}
