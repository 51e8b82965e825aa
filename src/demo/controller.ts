/**
 * The controller of the story: the loops of `innominatus serve` on its embedded database, in this
 * process, so that the demo can look at the record while the folder is locked for any other.
 */
import { join } from "node:path";
import { home, logFor, settingsFor, type CommandContext } from "../cli/context.ts";
import { factsOf } from "../controller/facts.ts";
import type { Progress } from "../cli/output/progress.ts";
import { mirrorOptions, theRepository } from "../cli/session.ts";
import { control, type Observer, type OpenableRepository } from "../controller/controller.ts";
import { createHints, type Hints } from "../controller/hints.ts";
import { createLooker } from "../controller/look.ts";
import { openProviders } from "../controller/provider-sources.ts";
import { openRepository } from "../controller/repository.ts";
import { openRuntime } from "../controller/runtime.ts";
import { vaultOn, type Services } from "../controller/services.ts";
import type { Plan } from "../model/plan.ts";
import type { Recorded } from "../model/resource.ts";
import type { Scope } from "../model/uid.ts";
import type { PlanFacts } from "../plan/render/words.ts";
import { parseReference, referenceFor } from "../secrets/reference.ts";
import type { Settings } from "../settings/settings.ts";
import { locate } from "../source/location.ts";
import { openMirror } from "../source/mirror.ts";
import { refPaths, watchTrigger } from "../source/triggers/watch.ts";
import { storeNow } from "../store/database-time.ts";
import { readEnvironment } from "../store/environments.ts";
import { listResources } from "../store/resources.ts";
import { recentDeletions } from "../store/runs.ts";
import { listWorkloads } from "../store/workloads.ts";
import type { Closing } from "./closing.ts";
import { commentOnMerged, commentOnOpen } from "./comment.ts";
import { announce, lookWhetherDone } from "./settle.ts";
import { until, type Looked } from "./waiting.ts";

export interface DemoController {
  /** What would happen, were `branch` merged, also as a pull request's comment says it. */
  plan(
    branch: string,
  ): Promise<{ readonly plan: Plan; readonly facts: PlanFacts; readonly comment: string }>;
  /** What the comment says once the plan is carried out. */
  commentAfter(plan: Plan): Promise<string>;
  /** Watches the repository from now on; resolves when it would miss nothing. */
  watch(): Promise<void>;
  /** Resolves when what `plan` says is done. @returns all resources */
  done(plan: Plan, progress: Progress): Promise<readonly Recorded[]>;
  /** Looks again whenever the controller did something. */
  until<T>(claim: string, look: () => Promise<Looked<T>>): Promise<T>;
  /** The value behind a secret reference; `undefined`: there is none. */
  secretAt(reference: string): Promise<string | undefined>;
  /** Warnings and errors so far. */
  log(): string;
}

/** The environment that gitops-example names. */
const environment = "production";

/** @param context of the controller alone: its environment, and its folder */
export async function openController(
  context: CommandContext,
  repo: string,
  closing: Closing,
): Promise<DemoController> {
  const { clock, random, env } = context;
  const logged: string[] = [];
  const write = (text: string): void => void logged.push(text);
  const own = { ...context, stderr: { isTTY: false, columns: undefined, write } };
  // It hears of a push by watching; the poll is for systems where files cannot be watched.
  const flags = { poll: "2s", logLevel: "warn" };
  const settings = settingsFor(own, { repo, dataDir: join(context.cwd, "data") }, flags);
  const path = env["PATH"] ?? "/usr/bin:/bin";
  const runtime = await openRuntime({
    settings,
    clock,
    random,
    log: logFor(own, settings),
    path,
    home,
  });
  closing.add(() => runtime.close());
  const { services } = runtime;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.stop]);
  const repository = theRepository(settings);
  const scope: Scope = { repository: repository.name, environment };
  const options = { ...mirrorOptions(repository, settings, env), name: repository.name };
  const changed = createHints();
  const waiting = { clock, changed, signal };

  const shipped = { kind: "folder", path: join(home, "providers"), layer: "shipped" } as const;
  const providers = await openProviders([shipped], signal);
  closing.add(() => providers.close());
  const looker = createLooker(scope, providers.catalogOf);
  // One of its own: the controller's belongs to the controller.
  const mirror = await openMirror({ ...options, directory: join(context.cwd, "plans") }, signal);
  closing.add(() => mirror.close());

  return {
    async plan(branch) {
      await mirror.fetch(signal);
      const commit = await mirror.resolve(branch);
      if (commit === undefined) throw new Error(`${branch} was not pushed`);
      const recorded = await recordOf(services, scope);
      const { plan, input } = await looker.look(mirror, commit, recorded, signal);
      const facts = factsOf(input.desired, input.recorded);
      return { plan, facts, comment: commentOnOpen({ plan, input }) };
    },
    async commentAfter(plan) {
      await mirror.fetch(signal);
      return commentOnMerged(services.db, mirror, scope, plan);
    },
    async watch() {
      const paths = await refPaths(locate(repository.url));
      const watching = createHints();
      const openable: OpenableRepository = {
        name: repository.name,
        open: (at) => openRepository(services, options, providers.catalogOf, at),
        watch: (hints, at) => {
          const onChange = (): void => hints.give();
          const watch = watchTrigger({ paths, debounceMs: 50, signal: at, onChange });
          void watch.ready.then(() => watching.give());
        },
      };
      const working = control(services, controlOptions(settings, openable, changed), signal);
      // It comes to rest at a safe point before anything that it uses is closed.
      closing.add(() => (stop.abort(), working));
      await watching.wait(0, settings.pollMs, clock, signal);
    },
    async done(plan, progress) {
      announce(plan, progress);
      return until(waiting, `${plan.commit} is carried out`, () =>
        lookWhetherDone(services, scope, plan, progress),
      );
    },
    until: (claim, look) => until(waiting, claim, look),
    secretAt: (reference) => readSecret(services, scope, reference),
    log: () => logged.join(""),
  };
}

const controlOptions = (
  { pollMs, resyncMs }: Settings,
  repository: OpenableRepository,
  changed: Hints,
) => ({
  pollMs,
  resyncMs,
  repositories: [repository],
  providers: { refresh: async () => false, watch: () => undefined },
  observe: {
    worked: () => changed.give(),
    working: () => changed.give(),
    fetched: () => undefined,
    passed: () => changed.give(),
    published: () => changed.give(),
  } satisfies Observer,
});

async function recordOf({ db }: Services, scope: Scope) {
  const applied = await readEnvironment(db, scope);
  const resources = await listResources(db, scope);
  return {
    environment: applied ?? { appliedCommit: null, baseCommit: null, settings: null },
    resources: new Map(resources.map((it) => [it.uid, it])),
    workloads: await listWorkloads(db, scope),
    recentDeletions: await recentDeletions(db, scope),
    approved: new Set<string>(),
    now: await storeNow(db),
  };
}

async function readSecret({ sealer, db }: Services, scope: Scope, reference: string) {
  const key = parseReference(reference)?.key ?? "";
  const resources = await listResources(db, scope);
  const owner = resources.find(({ uid }) => referenceFor(scope, uid, key) === reference);
  return owner && vaultOn(sealer, db).get({ ...scope, uid: owner.uid, key });
}
