/** What performing a run needs of the store: the durable, fenced record of its steps (law 6, E4). */
import type { Fault } from "../model/errors.ts";
import type { Json, JsonRecord } from "../model/json.ts";
import type { EngineEvent, StepResult } from "./step-type.ts";

export type JournalEntry =
  /** An attempt began, and nobody wrote how it ended; or the step waits for its next look. */
  | {
      readonly state: "started" | "waiting";
      readonly attempts: number;
      /** Since the step first started, by the store's time. */
      readonly elapsedMs: number;
      /** What the step noted down last, in whatever attempt. */
      readonly note?: Json;
      /** Its time is over, and what it has under way is being stopped. */
      readonly stopping?: boolean;
    }
  | {
      readonly state: "failed";
      readonly attempts: number;
      readonly elapsedMs: number;
      /** Masked. */
      readonly error: string;
      readonly fault?: Fault;
      readonly note?: Json;
    }
  | {
      readonly state: "ended";
      readonly outputs: JsonRecord;
      readonly sensitive: readonly string[];
    }
  | { readonly state: "skipped" };

export interface StepPlace {
  readonly name: string;
  readonly index: number;
  readonly type: string;
  /** What it does is no effect. */
  readonly readOnly: boolean;
}

/**
 * Each write has happened when it returns.
 *
 * @throws {LeaseLostError} from any of them; nothing is written then
 */
export interface Journal {
  /** Every entry of the run by step name, once, when the run is (re)claimed. */
  read(): Promise<ReadonlyMap<string, JournalEntry>>;
  /**
   * Before each attempt and each further look of a waiting step; counts an attempt unless the entry
   * was `waiting`. This is the safe point.
   *
   * @param settles the step has begun, and whether it had its effect is unknown: no point is safe
   *   before that is settled
   * @throws {SupersededError} {CancelledError} {WaitingError} when the run is to end, or to pause, here
   */
  start(step: StepPlace, settles?: boolean): Promise<void>;
  /** @param stopping its time is over, and what it has under way is being stopped */
  wait(step: string, retryAfterMs: number, stopping?: boolean): Promise<void>;
  /** Has happened at the latest with the next write, or with the end of the run. */
  end(step: string, result: StepResult): Promise<void>;
  skip(step: StepPlace): Promise<void>;
  /**
   * @param retryAfterMs `undefined`: there is no further attempt
   * @param fault what is known of it, masked
   */
  fail(step: string, error: string, retryAfterMs: number | undefined, fault?: Fault): Promise<void>;
  /** Replaces what the step has noted down; an event of it is of the same write. */
  note(step: string, note: Json, event?: EngineEvent): Promise<void>;
  /** Appends; a call may hold a part of a line or many lines. */
  log(step: string, text: string): Promise<void>;
}
