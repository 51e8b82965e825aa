/** Where a run is killed, and how that is told to a provider's author. Pure. */
import type { RunOperation } from "../model/run.ts";
import type { JournalWrite, KillPoint } from "./killable-journal.ts";

/** Before each write, after each start, and after the last: what lies between is the same. */
export function killPoints(writes: readonly JournalWrite[]): KillPoint[] {
  return writes.flatMap(({ kind }, index): KillPoint[] => {
    const write = index + 1;
    const before: KillPoint = { write, when: "before" };
    const after: KillPoint = { write, when: "after" };
    return kind === "start" || write === writes.length ? [before, after] : [before];
  });
}

/** `create, killed when …, went on`. */
export function say(
  operation: RunOperation,
  { when }: KillPoint,
  at: JournalWrite | undefined,
  then: string,
): string {
  if (at === undefined) return `${operation} ${then}`;
  const place =
    at.kind === "start"
      ? when === "before"
        ? `before its step ${at.step} began`
        : `when its step ${at.step} had begun, and done nothing yet`
      : when === "before"
        ? `when its step ${at.step} had done its work, before that was written down`
        : `after its step ${at.step}`;
  return `${operation} was killed ${place}, and then ${then}`;
}
