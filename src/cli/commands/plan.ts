/** `innominatus plan`: what would happen, and nothing that makes it happen. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import {
  createLooker,
  readSettingsAt,
  type Look,
  type RecordedEnvironment,
} from "../../controller/look.ts";
import { planOnServer, type ServerChange } from "../../controller/server-plan.ts";
import { openStore } from "../../controller/runtime.ts";
import type { CatalogOf } from "../../controller/catalog.ts";
import { defaultSettings } from "../../desired/settings.ts";
import { openClusters } from "../../execute/kube/clusters.ts";
import { isError } from "../../model/problem.ts";
import type { Desired, Recorded } from "../../model/resource.ts";
import type { Scope } from "../../model/uid.ts";
import { planJson } from "../../plan/render/json.ts";
import { planMarkdown } from "../../plan/render/markdown.ts";
import { planText } from "../../plan/render/text.ts";
import type { Settings } from "../../settings/settings.ts";
import { openMirror, type Mirror } from "../../source/mirror.ts";
import { approvedPlans } from "../../store/approvals.ts";
import { storeNow } from "../../store/database-time.ts";
import { readEnvironment } from "../../store/environments.ts";
import { listResources } from "../../store/resources.ts";
import { recentDeletions } from "../../store/runs.ts";
import { listWorkloads } from "../../store/workloads.ts";
import {
  home,
  screenOf,
  settingsFor,
  type CommandContext,
  type GlobalOptions,
} from "../context.ts";
import { factsOf } from "../../controller/facts.ts";
import { serverPlanText } from "../output/server-plan.ts";
import { CommandError } from "../output/failure.ts";
import { mirrorOptions, theRepository, withProviders } from "../session.ts";

export interface PlanFlags extends GlobalOptions {
  readonly ref?: string;
  readonly base?: string;
  readonly environment?: string;
  readonly detailedExitcode?: boolean;
  /** Asks the environment's cluster, too. */
  readonly server?: boolean;
  readonly output: "text" | "json" | "markdown";
}

export async function runPlan(context: CommandContext, flags: PlanFlags): Promise<number> {
  const settings = settingsFor(context, flags);
  const repository = theRepository(settings);
  return withProviders(context, settings, async ({ catalogOf }) => {
    const mirror = await openMirror(mirrorOptions(repository, settings, context.env), context.stop);
    try {
      await mirror.fetch(context.stop);
      const target = await targetOf(mirror, flags, context.stop);
      const scope: Scope = { repository: repository.name, environment: target.environment };
      const commit = await commitOf(mirror, flags.ref ?? target.branch, "--ref");
      const recorded =
        flags.base === undefined
          ? await readRecord(settings, scope, context)
          : await recordOf(mirror, scope, catalogOf, flags.base, context);
      const look = await createLooker(scope, catalogOf).look(
        mirror,
        commit,
        recorded,
        context.stop,
      );
      const server =
        flags.server === true
          ? await planOnServer(openClusters(settings.clusters), scope, look, context.stop)
          : undefined;
      context.stdout.write(render(look, flags.output, context, server));
      return exitCode(look, flags.detailedExitcode ?? false);
    } finally {
      await mirror.close();
    }
  });
}

function exitCode({ plan }: Look, detailed: boolean): number {
  if (plan.problems.some(isError)) return 1;
  const changes = plan.operations.some((it) => it.operation !== "none" || it.gate !== null);
  return detailed && changes ? 2 : 0;
}

function render(
  { plan, input }: Look,
  output: PlanFlags["output"],
  context: CommandContext,
  server: readonly ServerChange[] | undefined,
): string {
  const facts = factsOf(input.desired, input.recorded);
  if (output === "json") {
    const json = { ...planJson(plan, facts), ...(server === undefined ? {} : { server }) };
    return `${JSON.stringify(json, null, 2)}\n`;
  }
  if (output === "markdown") return planMarkdown(plan, facts);
  const text = planText(plan, facts, screenOf(context).paint);
  return server === undefined ? text : `${text}${serverPlanText(server)}`;
}

async function targetOf(
  mirror: Mirror,
  { environment }: PlanFlags,
  signal: AbortSignal,
): Promise<{ readonly environment: string; readonly branch: string }> {
  const branch = await mirror.defaultBranch();
  if (branch === undefined) {
    const next = "push a first commit, then plan again";
    throw new CommandError("the repository has no commit", mirror.url, next);
  }
  const commit = await commitOf(mirror, branch, "--repo");
  const snapshot = await mirror.snapshot(commit, signal);
  const { settings } = await readSettingsAt(snapshot, defaultSettings, signal);
  const known = settings.environments ?? [{ name: "default", branch }];
  const [first, second] = known;
  const found = environment === undefined ? first : known.find((it) => it.name === environment);
  if (found === undefined || (environment === undefined && second !== undefined)) {
    const names = known.map((it) => it.name).join(", ");
    const what =
      environment === undefined
        ? "the repository has several environments"
        : `there is no environment "${environment}"`;
    throw new CommandError(what, "--environment", `choose one: ${names}`);
  }
  return { environment: found.name, branch: found.branch };
}

async function commitOf(mirror: Mirror, ref: string, flag: string): Promise<string> {
  const commit = await mirror.resolve(ref);
  if (commit !== undefined) return commit;
  const next = "name a branch, a tag or a commit that has been pushed";
  throw new CommandError(`"${ref}" is no commit of the repository`, flag, next);
}

/** As the controller recorded it; nothing, where there is no record yet. */
async function readRecord(
  settings: Settings,
  scope: Scope,
  { clock }: CommandContext,
): Promise<RecordedEnvironment> {
  const folder = join(settings.dataDir, "database");
  const none = settings.databaseUrl === undefined && !(await exists(folder));
  if (none) return emptyRecord(clock.now());
  const db = await openStore(settings, home);
  try {
    const environment = await readEnvironment(db, scope);
    const resources = await listResources(db, scope);
    return {
      environment: environment ?? { appliedCommit: null, baseCommit: null, settings: null },
      resources: new Map(resources.map((it) => [it.uid, it])),
      workloads: await listWorkloads(db, scope),
      recentDeletions: await recentDeletions(db, scope),
      approved: await approvedPlans(db, scope),
      now: await storeNow(db),
    };
  } finally {
    await db.close();
  }
}

/** As if `base` had been applied, and everything it asks for had become active. */
async function recordOf(
  mirror: Mirror,
  scope: Scope,
  catalogOf: CatalogOf,
  base: string,
  { clock, stop }: CommandContext,
): Promise<RecordedEnvironment> {
  const commit = await commitOf(mirror, base, "--base");
  const empty = emptyRecord(clock.now());
  const { input, tree } = await createLooker(scope, catalogOf).look(mirror, commit, empty, stop);
  const resources = input.desired.map((it) => asRecorded(it, commit, empty.now));
  return {
    ...empty,
    environment: { appliedCommit: commit, baseCommit: null, settings: null },
    resources: new Map(resources.map((it) => [it.uid, it])),
    workloads: tree.workloads.map((it) => ({ identity: it.identity, file: it.document.file })),
  };
}

const emptyRecord = (now: Date): RecordedEnvironment => ({
  environment: { appliedCommit: null, baseCommit: null, settings: null },
  resources: new Map(),
  workloads: [],
  recentDeletions: new Set(),
  approved: new Set(),
  now: now.toISOString(),
});

function asRecorded(desired: Desired, commit: string, at: string): Recorded {
  return {
    ...desired,
    phase: "active",
    gate: null,
    touched: true,
    outputs: {},
    secretRefs: {},
    revision: 1,
    wanted: true,
    removal: null,
    deleteAfter: null,
    commit,
    since: at,
    reason: "",
    message: "",
    attempted: null,
    failures: 0,
    nextAttemptAt: null,
    stalled: false,
    operation: "create",
    run: null,
  };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
