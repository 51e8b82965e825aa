/**
 * The HTTP server: health, readiness and metrics, and whatever routes are handed in. Every request
 * is bounded in size and time, and stopping waits for the ones under way, but not for ever.
 */
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { matchedRoutes } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import type { Logger } from "pino";
import type { Clock } from "../model/clock.ts";
import { StallingError } from "../model/errors.ts";
import { healthRoutes, type Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import type { StoreFigures } from "./store-gauges.ts";

export interface ServerOptions {
  /** Port 0 takes any free one: `url` says which. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly health: () => Promise<Health>;
  readonly metrics: Metrics;
  readonly figures: () => Promise<StoreFigures>;
  readonly clock: Clock;
  readonly log: Pick<Logger, "debug" | "error">;
  /** Aborting it closes the server. */
  readonly signal: AbortSignal;
  /** Requests still under way after so long are cut off. */
  readonly drainMs?: number;
  /** A request has to have come whole within so long. */
  readonly requestTimeoutMs?: number;
  /** Further routes, mounted at the root. */
  readonly routes?: Hono;
  /** Who may read `/metrics`; absent: anybody. */
  readonly metricsGuard?: MiddlewareHandler;
}

export interface RunningServer {
  readonly url: string;
  /** Resolves when the last request is answered or cut off; calling it again changes nothing. */
  close(): Promise<void>;
}

/** @throws {StallingError} where nothing can listen there */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { listen, signal, clock } = options;
  const stopping = new AbortController();
  const app = application(options, stopping.signal);
  const requestTimeout = options.requestTimeoutMs ?? 30_000;
  const listener = getRequestListener(app.fetch);
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: Math.min(10_000, requestTimeout),
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(10_000, requestTimeout),
    },
    (request, response) => {
      if (stopping.signal.aborted) response.setHeader("connection", "close");
      // A connection kept alive for longer than the drain would hold it up to its end.
      response.once("close", () => {
        if (stopping.signal.aborted) setImmediate(() => server.closeIdleConnections());
      });
      void listener(request, response);
    },
  );
  await listenOn(server, listen);

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    signal.removeEventListener("abort", closeOnSignal);
    closing ??= drain(server, stopping, clock, options.drainMs ?? 10_000);
    return closing;
  };
  const closeOnSignal = (): void => {
    close().catch((error: unknown) => options.log.error({ err: error }, "closing the server"));
  };
  if (signal.aborted) closeOnSignal();
  signal.addEventListener("abort", closeOnSignal, { once: true });
  return { url: urlOf(server, listen.host), close };
}

function application(options: ServerOptions, stopping: AbortSignal): Hono {
  const { metrics, health, clock, log } = options;
  const figures = (): Promise<StoreFigures | undefined> =>
    options.figures().catch((error: unknown) => {
      log.error({ err: error }, "reading the store's figures for /metrics");
      return undefined;
    });

  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    const route = matchedRoutes(context).findLast(({ path }) => !path.endsWith("*"));
    const { method } = context.req;
    metrics.requestAnswered(method, route?.path ?? "other", context.res.status);
  });
  app.use(
    secureHeaders({
      referrerPolicy: "no-referrer",
      xFrameOptions: "DENY",
      strictTransportSecurity: false,
    }),
  );
  app.use(async (context, next) => {
    await next();
    const { headers } = context.res;
    if (!headers.has("cache-control")) context.header("cache-control", "no-store");
    // A page that needs more says so itself.
    if (!headers.has("content-security-policy")) {
      context.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    }
  });
  app.route("/", healthRoutes(health, clock, stopping));
  if (options.metricsGuard !== undefined) app.use("/metrics", options.metricsGuard);
  app.get("/metrics", async (context) => {
    const text = await metrics.render(await figures());
    return context.body(text, 200, { "content-type": metrics.registry.contentType });
  });
  if (options.routes !== undefined) app.route("/", options.routes);

  app.notFound((context) => context.text("not found\n", 404));
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    log.error({ err: error, method: context.req.method, path: context.req.path }, "answering");
    return context.text("internal error: the controller's log says more\n", 500);
  });
  return app;
}

async function listenOn(server: Server, { host, port }: ServerOptions["listen"]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  }).catch((error: NodeJS.ErrnoException) => {
    const [reason, found, hint] = refusal(error.code ?? "", port);
    throw new StallingError(reason, `listening on ${host}:${port}: ${found}`, hint, {
      cause: error,
    });
  });
}

function refusal(code: string, port: number): readonly [string, string, string] {
  const choose = "choose another with --port or INNOMINATUS_PORT";
  switch (code) {
    case "EADDRINUSE":
      return ["PortInUse", "the port is in use", `stop what listens on port ${port}, or ${choose}`];
    case "EACCES":
      return ["PortForbidden", "this user may not listen on the port", `${choose} (above 1023)`];
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [
        "AddressUnknown",
        "this machine has no such address",
        "set INNOMINATUS_HOST to 127.0.0.1, or to 0.0.0.0 to be reached from elsewhere",
      ];
    default:
      return ["ListenRefused", code === "" ? "refused" : code, `try another port: ${choose}`];
  }
}

/** No new connections, idle ones closed at once, the others when answered or after `drainMs`. */
async function drain(
  server: Server,
  stopping: AbortController,
  clock: Clock,
  drainMs: number,
): Promise<void> {
  stopping.abort();
  const answered = new AbortController();
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  }).finally(() => answered.abort());
  clock.sleep(drainMs, answered.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await closed;
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const everywhere = host === "0.0.0.0" || host === "::" || host === "127.0.0.1";
  const name = everywhere ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
