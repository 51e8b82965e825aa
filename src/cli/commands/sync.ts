/** `innominatus sync`: one pass over a repository, until all is settled. */
import { sync, type Synced } from "../../controller/sync.ts";
import type { Repository } from "../../controller/repository.ts";
import type { Services } from "../../controller/services.ts";
import type { Plan } from "../../model/plan.ts";
import { phaseOf, type Recorded } from "../../model/resource.ts";
import { planJson } from "../../plan/render/json.ts";
import { parseDuration } from "../../provider/duration.ts";
import type { Settings } from "../../settings/settings.ts";
import { screenOf, settingsFor, type CommandContext, type GlobalOptions } from "../context.ts";
import { factsOf } from "../../controller/facts.ts";
import { CommandError } from "../output/failure.ts";
import { problemsText } from "../output/problems.ts";
import { createProgress } from "../output/progress.ts";
import { resourceJson } from "../output/records.ts";
import { withProviders, withRepository, withServices } from "../session.ts";
import { createTell } from "../sync-progress.ts";

export interface SyncFlags extends GlobalOptions {
  readonly timeout: string;
  readonly output: "text" | "json";
}

const exitCodes = { settled: 0, failed: 1, "timed-out": 3 } as const;

export async function runSync(context: CommandContext, flags: SyncFlags): Promise<number> {
  const timeoutMs = parseDuration(flags.timeout);
  if (timeoutMs === undefined) {
    const next = "use a number with a unit, like 30s or 5m";
    throw new CommandError(`"${flags.timeout}" is no duration`, "--timeout", next);
  }
  const settings = settingsFor(context, { logLevel: "warn", ...flags });
  return open(context, settings, async (services, repository) => {
    const asText = flags.output === "text";
    const screen = screenOf(context);
    const progress = createProgress(
      (text) => asText && context.stdout.write(text),
      screen,
      context.clock,
    );
    const tell = createTell(services.db, repository.name, progress);
    const synced = await sync(services, repository, { timeoutMs, onProgress: tell }, context.stop);
    progress.end();
    if (asText) context.stdout.write(summaryOf(synced, context));
    else context.stdout.write(`${JSON.stringify(syncedJson(synced), null, 2)}\n`);
    return exitCodes[synced.outcome];
  });
}

const open = <T>(
  context: CommandContext,
  settings: Settings,
  use: (services: Services, repository: Repository) => Promise<T>,
): Promise<T> =>
  withProviders(context, settings, ({ catalogOf }) =>
    withServices(context, settings, (services) =>
      withRepository(context, settings, services, catalogOf, (it) => use(services, it)),
    ),
  );

function summaryOf({ outcome, environments }: Synced, context: CommandContext): string {
  const { paint } = screenOf(context);
  const lines = environments.flatMap(({ environment, plan, resources, stalled }) => {
    if (plan === undefined) return [`${environment}: ${stalled ?? "not planned"}`];
    const problems = problemsText(plan.problems, () => undefined, paint).trimEnd();
    return [...(problems === "" ? [] : [problems]), totals(environment, plan, resources)];
  });
  const word = {
    settled: paint.green("settled"),
    failed: paint.red("not everything is as git wants it"),
    "timed-out": paint.yellow("timed out: what is under way goes on with the next sync"),
  }[outcome];
  return `${[...lines, word].join("\n")}\n`;
}

function totals(environment: string, plan: Plan, resources: readonly Recorded[]): string {
  const counts = new Map<string, number>();
  for (const it of resources) {
    if (it.phase !== "deleted") counts.set(phaseOf(it), (counts.get(phaseOf(it)) ?? 0) + 1);
  }
  const words = [...counts].map(([phase, count]) => `${count} ${phase}`).toSorted();
  const held = plan.summary.held > 0 ? `; approve with: innominatus approve ${plan.hash}` : "";
  const approvable = plan.operations.some((it) =>
    ["budget", "approval"].includes(it.gate?.kind ?? ""),
  );
  return `${environment}: ${words.join(", ") || "no resources"}${approvable ? held : ""}`;
}

const syncedJson = ({ outcome, environments }: Synced) => ({
  outcome,
  environments: environments.map(({ environment, plan, resources, stalled }) => ({
    environment,
    plan: plan === undefined ? null : planJson(plan, factsOf(resources)),
    stalled: stalled ?? null,
    resources: resources.map(resourceJson),
  })),
});
