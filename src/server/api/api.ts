/** The HTTP API, mounted by one function: each resource has its file in `routes/`. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { codeOf } from "../../store/database.ts";
import { createAuthorize, type Authorize } from "./auth/authorize.ts";
import { createTokenReader } from "./auth/oidc.ts";
import { conditional } from "./conditional.ts";
import { malformedJson } from "./malformed.ts";
import { ApiError, problemResponse } from "./problem.ts";
import { createRouter, type ApiEnv } from "./router.ts";
import { docsRoutes } from "./routes/docs.ts";
import { administrationRoutes } from "./routes/administration.ts";
import { analysisRoutes } from "./routes/analysis.ts";
import { cancelRoutes } from "./routes/cancel.ts";
import { declaredElsewhere } from "./routes/elsewhere.ts";
import { eventRoutes } from "./routes/events.ts";
import { goldenPathRoutes } from "./routes/golden-paths.ts";
import { graphRoutes } from "./routes/graph.ts";
import { impersonationRoutes } from "./routes/impersonation.ts";
import { assistantRoutes, notOffered } from "./routes/not-offered.ts";
import { graphViewRoutes } from "./routes/graph-views.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { peopleRoutes } from "./routes/people.ts";
import { planRoutes } from "./routes/plans.ts";
import { providerRoutes } from "./routes/providers.ts";
import { refusedRoutes } from "./routes/refused.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { retryRoutes } from "./routes/retry.ts";
import { sessionRoutes } from "./routes/session.ts";
import { specRoutes } from "./routes/specs.ts";
import { whyRoutes } from "./routes/why.ts";
import { workflowRoutes } from "./routes/workflows.ts";
import type { ApiServices } from "./services.ts";

const all = [
  sessionRoutes,
  specRoutes,
  resourceRoutes,
  workflowRoutes,
  planRoutes,
  eventRoutes,
  providerRoutes,
  graphRoutes,
  graphViewRoutes,
  whyRoutes,
  cancelRoutes,
  peopleRoutes,
  impersonationRoutes,
  administrationRoutes,
  goldenPathRoutes,
  retryRoutes,
  analysisRoutes,
  assistantRoutes,
] as const;

export interface Api {
  readonly routes: Hono;
  /** For routes of others that need the same check. */
  readonly authorize: Authorize;
}

/** @param others routes under `/api` that are made elsewhere, and use the same check */
export function createApi(
  services: ApiServices,
  others: readonly ((authorize: Authorize) => Hono<ApiEnv>)[] = [],
): Api {
  const { settings, log, clock } = services;
  const reader =
    settings.oidc === undefined
      ? undefined
      : createTokenReader(settings.oidc, {
          fetch,
          now: () => clock.now(),
          onRefused: (error) => log.info({ err: error }, "a bearer token was not taken"),
        });
  const authorize = createAuthorize(services, reader);
  const router = createRouter();
  for (const routes of all) router.route("/", routes(services, authorize));
  router.route("/", refusedRoutes(services, authorize, [...declaredElsewhere, ...notOffered]));
  openApiRoutes(router, services);
  docsRoutes(router);

  const app = new Hono();
  if (settings.cors.length > 0) {
    const exposeHeaders = ["link", "x-next-cursor", "etag"];
    app.use("/api/*", cors({ origin: [...settings.cors], exposeHeaders, maxAge: 600 }));
  }
  app.use("/api/*", compress());
  app.use("/api/*", conditional);
  app.use(
    "/api/*",
    bodyLimit({
      maxSize: settings.bodyBytes,
      onError: () => {
        throw new ApiError(413, {
          code: "too-large",
          detail: `the body has more than ${settings.bodyBytes} bytes`,
        });
      },
    }),
  );
  app.route("/", router);
  for (const routes of others) app.route("/", routes(authorize));
  app.all("/api/*", (context) => {
    throw new ApiError(404, {
      code: "no-such-route",
      detail: `there is no ${context.req.method} ${context.req.path}`,
      hint: "see /api/docs for what there is",
    });
  });
  app.onError(async (error, context) => {
    if (error instanceof ApiError) return error.getResponse();
    const isMalformed = isBadRequest(error);
    if (isMalformed || unstorable.has(codeOf(error) ?? "")) {
      const problem = isMalformed ? await malformedJson(context) : undefined;
      if (problem !== undefined) return problemResponse(400, problem);
      return problemResponse(400, {
        code: "malformed",
        detail: "the request cannot be read: it is malformed, or holds a NUL character",
      });
    }
    if (error instanceof HTTPException && error.status === 415) {
      const type = context.req.header("content-type") ?? "none";
      return problemResponse(415, {
        code: "unsupported-content-type",
        detail: `the content type is ${type}`,
        hint: "see /api/docs for those that this route takes",
      });
    }
    log.error({ err: error, method: context.req.method, path: context.req.path }, "answering");
    const detail = "the controller's log says more";
    return problemResponse(500, { code: "internal", detail });
  });
  return { routes: app, authorize };
}

const isBadRequest = (error: Error): boolean =>
  error instanceof HTTPException && error.status === 400;

/** What PostgreSQL says of text that it cannot hold, as with a NUL in it. */
const unstorable: ReadonlySet<string> = new Set(["22021", "22P05"]);
