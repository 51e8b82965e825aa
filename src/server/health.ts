/**
 * Whether the process lives, whether it can work, and why not: `/healthz` and `/readyz` for
 * Kubernetes, `/health` and `/ready` in the shapes that upstream's scripts read (compat §4).
 */
import { Hono } from "hono";
import type { Clock } from "../model/clock.ts";

type CheckStatus = "healthy" | "degraded" | "unhealthy";

interface Check {
  readonly status: CheckStatus;
  /** Open to anybody: no address, no secret. */
  readonly message: string;
}

export interface Health {
  readonly checks: { readonly database: Check; readonly [name: string]: Check };
  /** What has to be so before it can work, for people; empty: ready. */
  readonly waitingFor: readonly string[];
}

/** Kubernetes gives a probe 1 s unless told otherwise. */
const answerWithinMs = 900;

/**
 * The four routes. `/healthz` looks at nothing but this process: a database that is away must not
 * make Kubernetes restart it.
 *
 * @param stopping aborted when the process drains: no longer ready, though still alive
 */
export function healthRoutes(
  health: () => Promise<Health>,
  clock: Clock,
  stopping: AbortSignal,
): Hono {
  const startedAt = clock.now().getTime();
  const look = shared(() => askHealth(health, clock));
  const waitingFor = async (): Promise<readonly string[]> =>
    stopping.aborted ? ["shutting down"] : (await look()).waitingFor;

  return new Hono()
    .get("/healthz", (context) => context.text("ok\n"))
    .get("/readyz", async (context) => {
      const reasons = await waitingFor();
      if (reasons.length === 0) return context.text("ok\n");
      return context.text(reasons.map((it) => `${it}\n`).join(""), 503);
    })
    .get("/ready", async (context) => {
      const reasons = await waitingFor();
      const ready = reasons.length === 0;
      const message = ready ? "ready" : reasons.join("; ");
      return context.json({ ready, timestamp: clock.now(), message }, ready ? 200 : 503);
    })
    .get("/health", async (context) => {
      const { checks } = await look();
      const all = {
        ...checks,
        server: { status: "healthy", message: "answering" } satisfies Check,
      };
      const status = worst(Object.values(all).map((check) => check.status));
      const timestamp = clock.now();
      const uptime = (timestamp.getTime() - startedAt) / 1_000;
      const body = { status, timestamp, uptime_seconds: uptime, checks: all };
      return context.json(body, status === "unhealthy" ? 503 : 200);
    });
}

/** Asks within the time a probe has; what is thrown may hold an address, so it is not told. */
async function askHealth(health: () => Promise<Health>, clock: Clock): Promise<Health> {
  const answered = new AbortController();
  const late = async (): Promise<Health> => {
    await clock.sleep(answerWithinMs, answered.signal);
    return unhealthy("no answer in time");
  };
  try {
    return await Promise.race([health().catch(() => unhealthy("not reachable")), late()]);
  } finally {
    answered.abort();
  }
}

const unhealthy = (message: string): Health => ({
  checks: { database: { status: "unhealthy", message } },
  waitingFor: [`database: ${message}`],
});

const worst = (statuses: readonly CheckStatus[]): CheckStatus =>
  (["unhealthy", "degraded"] as const).find((it) => statuses.includes(it)) ?? "healthy";

/** Anybody may ask, as often as they like; the database is asked once at a time. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
