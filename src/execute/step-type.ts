/**
 * What a step type is: a file in `execute/steps/` that defines one, and a line in registry.ts. Its
 * config is rendered and checked before it sees it, so that it holds nothing but its own work.
 */
import type { z } from "zod";
import { StallingError } from "../model/errors.ts";
import { toPointer, type Json, type JsonRecord } from "../model/json.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Masker } from "../secrets/mask.ts";
import type { TemplateContexts } from "./render.ts";

export interface StepResult {
  readonly outputs: JsonRecord;
  /** Names of outputs whose values are secrets. */
  readonly sensitive: readonly string[];
  /** ISO 8601: when it was done by the engine's clock, where an engine did it (E9). */
  readonly completedAt?: string;
}

/** What an interrupted attempt left behind. */
export type Observed =
  | { readonly state: "done"; readonly result: StepResult }
  | { readonly state: "absent" }
  /** It is under way: the same attempt goes on, and `run` finds it by what it has noted. */
  | { readonly state: "underway" }
  | { readonly state: "unknown"; readonly message: string };

/** What a step tells the audit trail of an object that an engine runs for it. */
export interface EngineEvent {
  readonly type: "PipelineRunCreated" | "PipelineRunAdopted" | "PipelineRunConflict";
  /** `namespace/name`. */
  readonly engineObject: string;
}

export interface StepContext {
  readonly scope: Scope;
  readonly uid: Uid;
  /** Name of the provider whose workflow this is. */
  readonly provider: string;
  readonly run: string;
  readonly name: string;
  /** The same for every attempt at this step of this run: name what you make after it, and find it again. */
  readonly key: string;
  readonly parameters: JsonRecord;
  /** What scripts see beside the parameters: `APP_NAME` and the like. */
  readonly environment: Readonly<Record<string, string>>;
  /** 1 for the first. */
  readonly attempt: number;
  /** Since the step first started, over all attempts, looks and restarts. */
  readonly elapsedMs: number;
  readonly masker: Masker;
  /** Appends to the step's log, as it is: bring your own line ends. Masked and bounded on the way. */
  readonly log: (text: string) => void;
  /** Aborted when the lease is lost or the attempt has timed out. */
  readonly signal: AbortSignal;
  /** When the step has to be done: the end of its timeout or of the run's, whichever is first. */
  readonly deadlineAt: Date;
  /** What the step had noted down when this attempt or look began: in an earlier one, before a restart too. */
  readonly note: Json | undefined;
  /**
   * Keeps `note` with the step: journalled when it resolves, before a create its intent, after it
   * what was made (E16). Replaces the one before.
   *
   * @throws {LeaseLostError} nothing may be done any more
   * @throws {Error} a secret value is in it: what is noted shows
   */
  readonly writeNote: (note: Json, event?: EngineEvent) => Promise<void>;
  /**
   * Says that it is worth looking at the waiting run now, from a watch say. To keep and call at any
   * time, as long as the process lives; does nothing once the run has ended. A hint only.
   */
  readonly wake: () => void;
}

/** Why a waiting step is not waited for any longer. */
export type CancelReason = "Cancelled" | "Superseded" | "DeadlineExceeded";

export interface CancelContext extends StepContext {
  readonly reason: CancelReason;
  /** The grace to stop in is over: this is the last call, the time for what is not gentle. */
  readonly graceOver: boolean;
}

export interface StepDefinition<C> {
  readonly type: string;
  /** Of the rendered config; strict. */
  readonly schema: z.ZodType<C>;
  /** Which parts of the config are code, by JSON pointer prefix; all else is plain text. */
  readonly contexts: TemplateContexts;
  /**
   * Performs the step once.
   *
   * @throws {WaitingError} not done yet: look again later, without holding a worker until then
   * @throws {StepFailedError} failed, and it is known how
   * @throws {PermanentError} failed, and would again
   * @throws {StallingError} somebody has to change something
   * @throws anything else: a failed attempt
   */
  run(config: C, context: StepContext): Promise<StepResult>;
  /** Finds out, changing nothing, how far an interrupted attempt came. Without it, nobody can know. */
  observe?(config: C, context: StepContext): Promise<Observed>;
  /**
   * Stops what the waiting step has under way, when the run is cancelled or superseded, or its time
   * is over. Called again until it returns, for the grace of 5 minutes, and once more after it.
   *
   * @throws {WaitingError} not stopped yet: look again then
   * @throws anything else: tried again within the grace; thereafter the cleanup has failed
   */
  cancel?(config: C, context: CancelContext): Promise<void>;
  /** It only looks, and what it does is no effect. */
  readonly readOnly?: boolean;
  /** How long past its deadline a waiting step is still looked at, before `cancel`. None by default. */
  readonly overtimeMs?: number;
}

/** A step type with its config's type closed over: what the loop holds. */
export interface StepExecutor {
  readonly type: string;
  readonly schema: z.ZodType;
  readonly contexts: TemplateContexts;
  readonly readOnly: boolean;
  readonly overtimeMs: number;
  /** @throws {StallingError} ConfigurationError, naming step and field */
  bind(step: string, config: JsonRecord): BoundStep;
}

export interface BoundStep {
  run(context: StepContext): Promise<StepResult>;
  observe(context: StepContext): Promise<Observed>;
  /** Returns at once where the type has nothing to stop. */
  cancel(context: CancelContext): Promise<void>;
}

/** This attempt failed and so would the next: what is left of the step's retries is not used. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/** Nobody answered, or not in time: a further attempt, or a later look, may find it otherwise. */
export class TransientError extends Error {
  override readonly name = "TransientError";
}

export function defineStep<C>(definition: StepDefinition<C>): StepExecutor {
  const { type, schema, contexts, readOnly = false, overtimeMs = 0 } = definition;
  const bind = (step: string, config: JsonRecord): BoundStep => {
    const parsed = schema.safeParse(config);
    if (!parsed.success) throw configurationError(step, type, parsed.error);
    return {
      run: (context) => definition.run(parsed.data, context),
      observe: async (context) =>
        (await definition.observe?.(parsed.data, context)) ?? {
          state: "unknown",
          message: "an attempt was interrupted, and nothing tells how far it came",
        },
      cancel: async (context) => definition.cancel?.(parsed.data, context),
    };
  };
  return { type, schema, contexts, readOnly, overtimeMs, bind };
}

function configurationError(step: string, type: string, error: z.ZodError): StallingError {
  const faults = error.issues.map(({ path, message }) => {
    return `config${toPointer(path)}: ${message.replace(/^Invalid input: /, "")}`;
  });
  const hint = `correct the config of this ${type} step in the provider's workflow`;
  return new StallingError("ConfigurationError", `step ${step}: ${faults.join("; ")}`, hint);
}
