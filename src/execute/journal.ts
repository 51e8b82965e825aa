/** What performing a run needs of the store: the durable, fenced record of its steps (law 6, E4). */
import type { JsonRecord } from "../model/json.ts";
import type { StepResult } from "./step-type.ts";

export type JournalEntry =
  /** An attempt began, and nobody wrote how it ended; or the step waits for its next look. */
  | {
      readonly state: "started" | "waiting";
      readonly attempts: number;
      /** Since the step first started, by the store's time. */
      readonly elapsedMs: number;
    }
  | {
      readonly state: "failed";
      readonly attempts: number;
      readonly elapsedMs: number;
      /** Masked. */
      readonly error: string;
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
   * @throws {SupersededError} or {WaitingError} when the run is to end, or to pause, here
   */
  start(step: StepPlace): Promise<void>;
  wait(step: string, retryAfterMs: number): Promise<void>;
  end(step: string, result: StepResult): Promise<void>;
  skip(step: StepPlace): Promise<void>;
  /** @param retryAfterMs `undefined`: there is no further attempt */
  fail(step: string, error: string, retryAfterMs: number | undefined): Promise<void>;
  /** Appends; a call may hold a part of a line or many lines. */
  log(step: string, text: string): Promise<void>;
}
