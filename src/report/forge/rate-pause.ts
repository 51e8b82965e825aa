/** After a rate limit nothing is asked before its end: whoever comes is told at once, and waits elsewhere. */
import { ForgeError } from "./forge-error.ts";

export interface RatePause {
  /** @throws {ForgeError} while the limit holds */
  check(): void;
  /** Remembers a rate limit, and throws on. */
  note(error: unknown): never;
}

export function createRatePause(now: () => number): RatePause {
  let untilMs = 0;
  return {
    check() {
      if (now() >= untilMs) return;
      const message = `the forge's rate limit holds until ${new Date(untilMs).toISOString()}`;
      throw new ForgeError({ kind: "rate-limited", retryAtMs: untilMs }, message);
    },
    note(error) {
      if (error instanceof ForgeError && error.failure.kind === "rate-limited") {
        untilMs = Math.max(untilMs, error.failure.retryAtMs);
      }
      throw error;
    },
  };
}
