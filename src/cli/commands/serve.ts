/** `innominatus`: the controller and its server. */
import { Hono } from "hono";
import { control, type Observer, type OpenableRepository } from "../../controller/controller.ts";
import { openRepository } from "../../controller/repository.ts";
import type { Hints } from "../../controller/hints.ts";
import type { OuterProviders } from "../../controller/provider-sources.ts";
import { keepAuditShort } from "../../controller/retention.ts";
import type { Services } from "../../controller/services.ts";
import { keepStatistics } from "../../controller/statistics.ts";
import { createTold, type Told } from "../../controller/told.ts";
import { countQueries } from "../../server/counted-database.ts";
import { Metrics } from "../../server/metrics.ts";
import { startServer } from "../../server/server.ts";
import { countEvents } from "../../server/transitions.ts";
import type { Settings } from "../../settings/settings.ts";
import { isPath, locate } from "../../source/location.ts";
import { refPaths, watchTrigger } from "../../source/triggers/watch.ts";
import { tellCommitted } from "../../store/committed.ts";
import { storeFigures } from "../../store/figures.ts";
import { auditDelivery } from "../audit.ts";
import { openForges, type ForgeOf } from "../forges.ts";
import { isWritable } from "../../store/writable.ts";
import { settingsFor, type CommandContext, type GlobalOptions } from "../context.ts";
import { deliveryObserverOf, observerOf } from "../observer.ts";
import { collectWhenQuiet, ownCpuMs, v8Collector } from "../memory.ts";
import { CommandError } from "../output/failure.ts";
import { pullRequestsOf } from "../pull-requests.ts";
import { openApi, type ServedApi } from "../serve-api.ts";
import { webhookEndpoint } from "../webhooks.ts";
import { tracerOf } from "../tracing.ts";
import { openPatiently } from "../patience.ts";
import { mirrorOptions, openServices, withProviders } from "../session.ts";
import { version } from "../version.ts";

export interface ServeFlags extends GlobalOptions {
  readonly host?: string;
  readonly port?: string;
}

export async function runServe(context: CommandContext, flags: ServeFlags): Promise<number> {
  const { host, port } = flags;
  const settings = settingsFor(context, flags, { host, port });
  if (settings.repositories.length === 0) {
    const next = "add --repo, or repositories to innominatus.yaml";
    throw new CommandError("no repository is named", "innominatus.yaml", next);
  }
  return withProviders(context, settings, async (providers) => {
    const open = () => openServices(context, settings);
    const runtime = await openPatiently(context, settings, open);
    if (runtime === undefined) return 0;
    try {
      return await serve(context, settings, providers, runtime.services);
    } finally {
      await runtime.close();
    }
  });
}

async function serve(
  context: CommandContext,
  settings: Settings,
  providers: OuterProviders,
  opened: Services,
): Promise<number> {
  const { clock, stop } = context;
  const metrics = new Metrics({ version, now: () => clock.now() });
  const counted = countQueries(opened.db, (isError) => metrics.queried(isError));
  const tracer = await tracerOf(opened, context.env);
  const db = tellCommitted(counted, (events) => {
    countEvents(metrics, events);
    tracer?.tell(events);
  });
  const services = { ...opened, db };
  const { log } = services;
  const deliver = auditDelivery(services, settings, context.env, deliveryObserverOf(metrics));
  const seen: Seen = { looked: false, unreachable: new Set() };
  const forges = openForges(context, settings);
  const forgeOf: ForgeOf = (repository) => forges.get(repository);
  const told = createTold();
  const reload = async (signal: AbortSignal) => {
    const changed = await providers.refresh(signal);
    for (const it of settings.repositories) told.tell(it.name);
    return { changed, problems: providers.problems };
  };
  const catalogOf = () => providers.catalogOf;
  const api = await openApi(context, settings, services, catalogOf, forgeOf, reload);
  const hooks = webhookEndpoint(services, settings, context.env, told, metrics);
  const server = await startServer({
    listen: settings.listen,
    health: () => healthOf(services, seen),
    figures() {
      for (const [name, forge] of forges) {
        const budget = forge.budget();
        if (budget !== undefined) metrics.setForgeBudget(name, budget);
      }
      return storeFigures(db, settings.auditSink !== undefined);
    },
    metrics,
    clock,
    log,
    signal: stop,
    routes: together(hooks, api.routes),
    ...(settings.api.metrics === "open" ? {} : { metricsGuard: api.authorize("read") }),
  });
  log.info({ url: server.url }, "listening");
  const counting = observerOf(metrics, () => {
    seen.looked = true;
  });
  const observe: Observer = {
    ...counting,
    fetched(repository, result) {
      if (result === "failed") seen.unreachable.add(repository);
      else seen.unreachable.delete(repository);
      counting.fetched(repository, result);
    },
  };
  const repositories = settings.repositories.map((it) => ({
    ...openable(it, settings, services, api, told, context),
    // Not the API's catalog: a pull request's own provider files are none that it may show.
    ...pullRequestsOf(it, forgeOf(it.name), services, providers.catalogOf),
  }));
  const { pollMs, resyncMs } = settings;
  const folders = settings.providers.flatMap((it) => (it.kind === "folder" ? [it.path] : []));
  const watched = {
    refresh: (signal: AbortSignal) => providers.refresh(signal),
    watch: (hints: Hints, signal: AbortSignal) => watchFolders(folders, hints, services, signal),
  };
  const options = { pollMs, resyncMs, repositories, providers: watched, observe };
  await Promise.all([
    control(services, options, context.stop),
    deliver?.(stop),
    keepAuditShort(services, settings.auditRetentionMs, stop),
    keepStatistics(services, stop),
    collectWhenQuiet({ clock, cpuMs: ownCpuMs, collect: v8Collector() }, stop),
  ]);
  await server.close();
  await tracer?.close();
  log.info("stopped");
  return 0;
}

/** Those that are made elsewhere come first: behind the API's there is nothing but what is not found. */
function together(...all: readonly (Hono | undefined)[]): Hono {
  const app = new Hono();
  for (const it of all) if (it !== undefined) app.route("/", it);
  return app;
}

function openable(
  repository: Settings["repositories"][number],
  settings: Settings,
  services: Services,
  api: Pick<ServedApi, "opened" | "catalogOf">,
  told: Told,
  context: CommandContext,
): OpenableRepository {
  const options = { ...mirrorOptions(repository, settings, context.env), name: repository.name };
  return {
    name: repository.name,
    open: async (signal) =>
      api.opened(await openRepository(services, options, api.catalogOf(repository.name), signal)),
    watch(hints, signal) {
      told.listen(repository.name, hints, signal);
      if (!isPath(repository.url)) return;
      const onChange = (): void => hints.give();
      const onError = (error: unknown): void => services.log.warn({ err: error }, "watching");
      refPaths(locate(repository.url))
        .then((paths) => watchTrigger({ paths, debounceMs: 50, signal, onChange, onError }))
        // What was pushed while the watch was being set up is looked for once.
        .then(({ ready }) => ready.then(onChange))
        .catch(onError);
    },
  };
}

function watchFolders(
  paths: readonly string[],
  hints: Hints,
  { log }: Services,
  signal: AbortSignal,
): void {
  if (paths.length === 0) return;
  const onError = (error: unknown): void => log.warn({ err: error }, "watching providers");
  watchTrigger({ paths, debounceMs: 50, signal, onChange: () => hints.give(), onError });
}

interface Seen {
  looked: boolean;
  /** Repositories whose last fetch failed. */
  readonly unreachable: Set<string>;
}

/** A remote that is away degrades: what it said last is gone on with, so it makes nobody unready. */
async function healthOf({ db }: Services, { looked, unreachable }: Seen) {
  const database = await isWritable(db).then(
    (writable) =>
      writable
        ? { status: "healthy" as const, message: "answers" }
        : { status: "unhealthy" as const, message: "takes no writes" },
    () => ({ status: "unhealthy" as const, message: "does not answer" }),
  );
  const waitingFor = [
    ...(database.status === "healthy" ? [] : ["the database"]),
    ...(looked ? [] : ["the first look at a repository"]),
  ];
  const away = { status: "degraded" as const, message: "cannot be fetched from" };
  const remotes = [...unreachable].map((it) => [`repository ${it}`, away] as const);
  return { checks: { ...Object.fromEntries(remotes), database }, waitingFor };
}
