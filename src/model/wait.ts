/** What keeps a run from starting, or a failed one from being tried again (execution semantics E8). */
import type { Scope, Uid } from "./uid.ts";

/** In the order of precedence: the first that holds is shown, all are listed. */
export const waitReasons = [
  "PreviousExecutionFailed",
  "ExhaustedRetries",
  "BackoffActive",
  "ResourceBusy",
  "CooldownActive",
] as const;

export type WaitReason = (typeof waitReasons)[number];

export interface Wait {
  readonly reason: WaitReason;
  /** Whose run has or had the target; `null` where that run is no longer recorded, or `hidden`. */
  readonly blocker: (Scope & { readonly uid: Uid; readonly run: string }) | null;
  /** It is another's, and none that whoever asks may see. */
  readonly hidden?: true;
  /** ISO 8601; `null` where nobody can say when it ends. */
  readonly until: string | null;
}

/** For whoever may not see what is in the way: the reason and the end are the resource's own. */
export const withoutBlocker = (wait: Wait): Wait => ({ ...wait, blocker: null, hidden: true });
