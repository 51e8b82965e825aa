/** The checks that a resource type has to stand, as they are made: passed, failed, or skipped for a reason. */

export type CheckName =
  | "observe before create"
  | "create"
  | "observe after create"
  | "create again"
  | "update"
  | "update again"
  | "observe after update"
  | "delete"
  | "observe after delete"
  | "delete again"
  | "create, killed and resumed"
  | "create, killed and deleted"
  | "update, killed and resumed"
  | "delete, killed and resumed";

export interface Check {
  readonly name: CheckName;
  readonly state: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped; empty where it passed. */
  readonly message: string;
}

/** A check that failed; what follows may go on. */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
}

export interface CheckList {
  /** In the order they were made. */
  readonly checks: readonly Check[];
  /** @returns whether it passed: `act` threw no CheckFailure */
  check(name: CheckName, act: () => Promise<void>): Promise<boolean>;
  skip(name: CheckName, reason: string): void;
}

export function createCheckList(): CheckList {
  const checks: Check[] = [];
  return {
    checks,
    async check(name, act) {
      try {
        await act();
        checks.push({ name, state: "passed", message: "" });
        return true;
      } catch (error) {
        if (!(error instanceof CheckFailure)) throw error;
        checks.push({ name, state: "failed", message: error.message });
        return false;
      }
    },
    skip(name, reason) {
      checks.push({ name, state: "skipped", message: reason });
    },
  };
}
