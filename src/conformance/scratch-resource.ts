/**
 * One resource of a provider in a scratch environment: its workflows are performed as the controller
 * performs them, but for the journal, which is in memory and can be killed.
 */
import { randomUUID } from "node:crypto";
import { performRun } from "../execute/steps.ts";
import type { StepExecutor } from "../execute/step-type.ts";
import type { Clock, Random } from "../model/clock.ts";
import { StallingError, WaitingError } from "../model/errors.ts";
import { canonical, type Json, type JsonRecord } from "../model/json.ts";
import type { RunOperation } from "../model/run.ts";
import { formatUid, type Scope } from "../model/uid.ts";
import type { Bundle, WorkflowOperation } from "../model/workflow.ts";
import { engineInputs } from "../provider/engine-inputs.ts";
import { bindParameters } from "../provider/parameters.ts";
import { createMasker } from "../secrets/mask.ts";
import {
  createKillableJournal,
  KilledError,
  type JournalWrite,
  type KillPoint,
} from "./killable-journal.ts";

export interface ScratchTools {
  readonly executors: ReadonlyMap<string, StepExecutor>;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface Outputs {
  readonly values: JsonRecord;
  /** Names of those that are secrets: their values are not for showing. */
  readonly sensitive: readonly string[];
}

export type Ended =
  | { readonly state: "done"; readonly outputs: Outputs; readonly writes: readonly JournalWrite[] }
  /** `unknown`: the run stalled, because nobody can tell what a killed step did. */
  | { readonly state: "failed" | "unknown"; readonly message: string; readonly hint?: string };

export interface Killed {
  /** The write it was killed at; `undefined`: the run ended before that. */
  readonly at: JournalWrite | undefined;
  /** Goes on with the run, as the next worker would. */
  readonly resume: () => Promise<Ended>;
}

export interface ScratchResource {
  /** Names it in the provider's system, should it be left there. */
  readonly uniqueName: string;
  /** As recorded by the last create or update that ended well. */
  readonly recorded: Outputs;
  perform(operation: RunOperation, params: JsonRecord): Promise<Ended>;
  kill(operation: RunOperation, params: JsonRecord, point: KillPoint): Promise<Killed>;
  /** @param within what the controller asks it in the course of */
  observe(params: JsonRecord, within: "observe" | "delete"): Promise<Ended>;
  /** Forgets what was recorded: as before it was created. */
  forget(): void;
}

const none: Outputs = { values: {}, sensitive: [] };

/** Attempts follow one another at once: whoever waits for a test gains nothing by it. */
const retry = { baseMs: 5, capMs: 20 };

export function createScratchResource(
  bundle: Bundle,
  resourceClass: string,
  scope: Scope,
  { executors, clock, random, signal }: ScratchTools,
): ScratchResource {
  const [app, name] = ["conformance", "main"];
  const uid = formatUid(bundle.type, resourceClass, `${app}.${name}`);
  const identity = { uid, workload: app, identity: app, name, type: bundle.type };
  const engine = engineInputs({ ...identity, ...scope, class: resourceClass });
  let recorded = none;

  const open = (operation: WorkflowOperation, params: JsonRecord, within: string) => {
    const workflow = bundle.workflows[operation];
    if (workflow === undefined) throw new Error(`${bundle.type} has no ${operation} workflow`);
    const run = randomUUID();
    const masker = createMasker();
    for (const name of recorded.sensitive) masker.add(textOf(recorded.values[name]));
    const journal = createKillableJournal(clock);
    const bound = bindParameters(workflow, { engine, params, outputs: recorded.values });
    const [fault] = bound.faults;
    const request = {
      scope,
      run,
      uid,
      provider: bundle.provider,
      operation: operation === "observe" ? ("delete" as const) : operation,
      steps: workflow.steps,
      outputs: workflow.outputs,
      parameters: bound.values,
      environment: {
        APP_NAME: app,
        RESOURCE_NAME: name,
        RESOURCE_TYPE: bundle.type,
        INNOMINATUS_ENVIRONMENT: scope.environment,
        INNOMINATUS_OPERATION: within,
        INNOMINATUS_RUN: run,
      },
      masker,
      now: clock.now().toISOString(),
    };
    /** To its end, or to where it is killed. */
    const go = async (): Promise<Ended> => {
      if (fault !== undefined) {
        const hint = `${fault.hint}, under \`resources\` in tests/conformance.yaml`;
        return { state: "failed", message: fault.message, hint };
      }
      for (;;) {
        try {
          const tools = { clock, random, retry };
          const result = await performRun(request, executors, journal, tools, signal);
          const outputs = { values: result.outputs, sensitive: result.sensitive };
          if (operation === "create") recorded = outputs;
          if (operation === "update") recorded = merged(recorded, outputs);
          return { state: "done", outputs, writes: journal.writes };
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof KilledError || !(error instanceof Error)) throw error;
          if (!(error instanceof WaitingError)) return failed(error);
          await clock.sleep(error.retryAfterMs, signal);
        }
      }
    };
    return { journal, go };
  };

  return {
    uniqueName: textOf(engine["unique_name"]),
    get recorded() {
      return recorded;
    },
    perform: (operation, params) => open(operation, params, operation).go(),
    async kill(operation, params, point) {
      const { journal, go } = open(operation, params, operation);
      journal.killAt(point);
      const ended = await go().catch((error: unknown) => {
        if (!(error instanceof KilledError)) throw error;
        return undefined;
      });
      journal.killAt(undefined);
      const at = ended === undefined ? journal.writes[point.write - 1] : undefined;
      return { at, resume: async () => ended ?? go() };
    },
    observe: (params, within) => open("observe", params, within).go(),
    forget() {
      recorded = none;
    },
  };
}

const textOf = (value: Json | undefined): string =>
  typeof value === "string" ? value : canonical(value);

function failed(error: Error): Ended {
  if (!(error instanceof StallingError)) return { state: "failed", message: error.message };
  const state = error.reason === "EffectUnknown" ? "unknown" : "failed";
  return { state, message: error.message, hint: error.hint };
}

/** An update gives what it changes: outputs it does not name stay as they were. */
function merged(before: Outputs, update: Outputs): Outputs {
  const kept = before.sensitive.filter((name) => !Object.hasOwn(update.values, name));
  return {
    values: { ...before.values, ...update.values },
    sensitive: [...new Set([...kept, ...update.sensitive])].toSorted(),
  };
}
