/** All that is known about one resource, and what happens next (law 12). */
import type { Gate, Operation, Reason } from "../model/plan.ts";
import type { Place } from "../model/problem.ts";
import type { Phase } from "../model/resource.ts";
import type { Run, StepRecord } from "../model/run.ts";
import type { Uid } from "../model/uid.ts";
import type { Wait } from "../model/wait.ts";

export interface Explanation {
  readonly uid: Uid;
  readonly environment: string;
  readonly phase: Phase;
  readonly since: string;
  readonly decided: {
    readonly operation: Operation;
    readonly reason: Reason;
    readonly commit: string;
    /** `null` where the commit is no longer known. */
    readonly author: string | null;
    readonly committedAt: string | null;
    readonly subject: string | null;
    readonly place: Place;
    /** Why this provider and this workflow: in a sentence. */
    readonly rule: string;
  };
  readonly provider: {
    readonly name: string;
    readonly version: string;
    readonly source: string;
    readonly bundle: string;
  };
  readonly dependsOn: readonly { readonly uid: Uid; readonly phase: Phase | null }[];
  readonly run: {
    readonly run: Pick<
      Run,
      | "id"
      | "operation"
      | "workflow"
      | "state"
      | "reason"
      | "message"
      | "attempt"
      | "queuedAt"
      | "startedAt"
      | "endedAt"
    >;
    readonly steps: readonly StepRecord[];
  } | null;
  readonly gate: Gate | null;
  /** What keeps its run from starting, the first reason first; empty: nothing does. */
  readonly waits: readonly Wait[];
  readonly next: NextEvent;
}

export interface NextEvent {
  readonly text: string;
  /** ISO 8601; `null` where no time is set. */
  readonly at: string | null;
  /** What to type, where a person has to do something. */
  readonly command: string | null;
}
