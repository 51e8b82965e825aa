/**
 * A controller that starts while its database is away, or takes no writes, waits: alive and unready,
 * so that nobody has to start it again and again (DESIGN.md §6).
 */
import type { Runtime } from "../controller/runtime.ts";
import { Metrics } from "../server/metrics.ts";
import type { Health } from "../server/health.ts";
import { startServer } from "../server/server.ts";
import type { Settings } from "../settings/settings.ts";
import { DatabaseUnavailableError } from "../store/database.ts";
import { logFor, type CommandContext } from "./context.ts";
import { version } from "./version.ts";

/** What no waiting mends: the URL cannot be read, the password or the database's name is wrong. */
const mistakes = new Set<string | undefined>(["ERR_INVALID_URL", "28000", "28P01", "3D000"]);

const longestMs = 15_000;

/**
 * Opens as soon as it can be opened.
 *
 * @returns `undefined` when the process is stopped before that
 * @throws everything but an unavailable database
 */
export async function openPatiently(
  context: CommandContext,
  settings: Settings,
  open: () => Promise<Runtime>,
): Promise<Runtime | undefined> {
  const first = await attempt(open);
  return "runtime" in first ? first.runtime : waitFor(context, settings, open, first.error);
}

async function waitFor(
  context: CommandContext,
  settings: Settings,
  open: () => Promise<Runtime>,
  reason: DatabaseUnavailableError,
): Promise<Runtime | undefined> {
  const { clock, stop } = context;
  const log = logFor(context, settings);
  const server = await startServer({
    listen: settings.listen,
    health: () => Promise.resolve(away),
    figures: () => Promise.reject(reason),
    metrics: new Metrics({ version, now: () => clock.now() }),
    clock,
    log,
    signal: stop,
    drainMs: 1_000,
  });
  log.info({ url: server.url }, "listening");
  try {
    let error = reason;
    for (let waitMs = 1_000; !stop.aborted; waitMs = Math.min(2 * waitMs, longestMs)) {
      log.error({ err: error }, "opening the database");
      await clock.sleep(waitMs, stop).catch(() => undefined);
      if (stop.aborted) break;
      const next = await attempt(open);
      if ("runtime" in next) return next.runtime;
      error = next.error;
    }
    return undefined;
  } finally {
    await server.close();
  }
}

const away: Health = {
  checks: { database: { status: "unhealthy", message: "cannot be opened" } },
  waitingFor: ["the database"],
};

type Attempt = { readonly runtime: Runtime } | { readonly error: DatabaseUnavailableError };

async function attempt(open: () => Promise<Runtime>): Promise<Attempt> {
  try {
    return { runtime: await open() };
  } catch (error) {
    const unavailable = error instanceof DatabaseUnavailableError;
    if (!unavailable || mistakes.has(error.code)) throw error;
    return { error };
  }
}
