/** What a step says, on its way to the journal: masked, bounded, in as few writes as keep up with it. */
import type { Masker } from "../secrets/mask.ts";

export interface StepLog {
  readonly write: (text: string) => void;
  /** Everything said is journalled. @throws what the journal threw */
  readonly end: () => Promise<void>;
}

export interface StepLogLimits {
  /** UTF-16 units kept per attempt; the rest is dropped, and the log says so. */
  readonly total: number;
  readonly perWrite: number;
}

const stepLogLimits: StepLogLimits = { total: 1_048_576, perWrite: 65_536 };

/**
 * While one write is under way what comes next is gathered for the one after it, so that a talkative
 * step costs few writes and a quiet one is seen at once.
 *
 * @param broken called at most once, when a write fails: the attempt cannot go on without its journal
 */
export function openStepLog(
  put: (text: string) => Promise<void>,
  masker: Masker,
  broken: (error: unknown) => void,
  limits: StepLogLimits = stepLogLimits,
): StepLog {
  let room = limits.total;
  let pending = "";
  let writing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;

  const pump = async () => {
    while (pending !== "" && failure === undefined) {
      const text = pending.slice(0, limits.perWrite);
      pending = pending.slice(limits.perWrite);
      try {
        await put(text);
      } catch (error) {
        failure = { error };
        broken(error);
      }
    }
    writing = undefined;
  };

  const write = (text: string) => {
    if (room <= 0 || text === "" || failure !== undefined) return;
    const masked = masker.mask(text);
    pending += masked.slice(0, room);
    if (masked.length > room) pending += `\n… output cut: more than ${limits.total} characters\n`;
    room = masked.length > room ? 0 : room - masked.length;
    writing ??= pump();
  };

  const end = async () => {
    while (writing !== undefined) await writing;
    if (failure !== undefined) throw failure.error;
  };
  return { write, end };
}
