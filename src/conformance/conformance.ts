/** Every type and class that a provider serves, tried out on a scratch environment. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createExecutors } from "../execute/registry.ts";
import { formatMs } from "../execute/attempt.ts";
import type { Connections } from "../execute/sql-session.ts";
import type { StepExecutor } from "../execute/step-type.ts";
import type { SecretMemory } from "../execute/steps/secret.ts";
import type { Clock, Random } from "../model/clock.ts";
import type { Bundle } from "../model/workflow.ts";
import { buildCatalog, type Catalog } from "../provider/catalog.ts";
import type { Capability, Provider } from "../provider/provider.ts";
import { resolve } from "../provider/resolve.ts";
import type { ConformanceSettings } from "./case-schema.ts";
import type { Check } from "./check-list.ts";
import { checkResource } from "./checks.ts";
import { missingFor } from "./needs.ts";
import { sampleParameters } from "./sample-parameters.ts";
import { createScratchResource } from "./scratch-resource.ts";

export interface Trial {
  readonly type: string;
  /** Of which these workflows are chosen. */
  readonly classes: readonly string[];
  readonly state: "passed" | "failed" | "skipped";
  /** Why it was skipped, or given up; empty otherwise. */
  readonly reason: string;
  readonly checks: readonly Check[];
  /** The name of what it made, where a check failed: it may be left there. */
  readonly uniqueName: string | undefined;
}

export interface TrialOptions {
  readonly settings: ConformanceSettings;
  readonly connections: Connections;
  /** One type only. */
  readonly only: string | undefined;
  /** Where scripts find their programs. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** For one type and class. */
  readonly timeoutMs: number;
}

export async function* tryProvider(
  provider: Provider,
  options: TrialOptions,
): AsyncGenerator<Trial> {
  const { catalog } = buildCatalog([provider]);
  for (const capability of provider.capabilities) {
    if (options.only !== undefined && capability.type !== options.only) continue;
    for (const { classes, bundle, reason } of bundlesOf(capability, catalog)) {
      const known = { type: capability.type, classes, checks: [], uniqueName: undefined };
      if (bundle === undefined) yield { ...known, state: "skipped", reason };
      else yield await tryBundle(bundle, classes, options);
    }
  }
}

interface Chosen {
  readonly classes: readonly string[];
  readonly bundle: Bundle | undefined;
  readonly reason: string;
}

/** Each choice of workflows once, with the classes that lead to it. */
function bundlesOf({ type, aliasFor, operations }: Capability, catalog: Catalog): Chosen[] {
  if (aliasFor !== undefined) {
    return [{ classes: ["default"], bundle: undefined, reason: `it is an alias for ${aliasFor}` }];
  }
  const tags = Object.values(operations).flatMap((it) => it.tagged.flatMap(({ tags: of }) => of));
  const chosen = new Map<string, Chosen>();
  for (const name of new Set(["default", ...tags])) {
    const resolution = resolve(catalog, type, name);
    const key = resolution.ok ? resolution.bundle.hash : resolution.message;
    const classes = [...(chosen.get(key)?.classes ?? []), name];
    const bundle = resolution.ok ? resolution.bundle : undefined;
    chosen.set(key, { classes, bundle, reason: resolution.ok ? "" : resolution.message });
  }
  return [...chosen.values()];
}

async function tryBundle(
  bundle: Bundle,
  classes: readonly string[],
  { settings, connections, path, clock, random, signal, timeoutMs }: TrialOptions,
): Promise<Trial> {
  const { type } = bundle;
  const given = settings.resources.find(
    (it) => it.type === type && (it.class === undefined || classes.includes(it.class)),
  );
  const { network } = settings;
  const reason =
    given?.skip ??
    (bundle.workflows.delete === undefined
      ? "it has no delete workflow, so that nothing could remove what a test makes"
      : missingFor(bundle, { connections: Object.keys(connections), network }));
  if (reason !== undefined) {
    return { type, classes, state: "skipped", reason, checks: [], uniqueName: undefined };
  }
  const [resourceClass = "default"] = classes;
  const scope = { repository: `conformance-${randomUUID()}`, environment: "conformance" };
  return withScratch(path, clock, connections, async (executors) => {
    const late = AbortSignal.timeout(timeoutMs);
    const tools = { executors, clock, random, signal: AbortSignal.any([signal, late]) };
    const resource = createScratchResource(bundle, resourceClass, scope, tools);
    const { uniqueName } = resource;
    const params = sampleParameters(bundle, given?.parameters ?? {}, given?.update);
    const known = { type, classes };
    try {
      const checks = await checkResource(resource, bundle, params);
      return checks.some((it) => it.state === "failed")
        ? { ...known, state: "failed", reason: "", checks, uniqueName }
        : { ...known, state: "passed", reason: "", checks, uniqueName: undefined };
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      const said = `it took longer than ${formatMs(timeoutMs)}`;
      return { ...known, state: "failed", reason: said, checks: [], uniqueName };
    }
  });
}

/** For delays of what waits on a cluster: there is none here. */
const halfway = (): number => 0.5;

/** The executors that the controller has, with a folder for scripts that is gone afterwards. */
export async function withScratch<T>(
  path: string,
  clock: Clock,
  connections: Connections,
  use: (executors: ReadonlyMap<string, StepExecutor>) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "innominatus-conformance-"));
  try {
    const secretMemory = rememberForGood();
    const tools = { clock, random: halfway, scratch, path, randomBytes, secretMemory };
    return await use(createExecutors({ ...tools, connections, fetch }));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * A secret stays the same from run to run, over deletions and with `rotate` too, so that what changes
 * is the provider's doing. Keys end with the run where a secret is rotated: a UUID.
 */
function rememberForGood(): SecretMemory {
  const values = new Map<string, string>();
  const lasting = (key: string): string =>
    key.replace(/\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "");
  return {
    get: async (key) => values.get(lasting(key)),
    async put(key, value) {
      if (!values.has(lasting(key))) values.set(lasting(key), value);
    },
  };
}
