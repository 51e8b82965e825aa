/** A worker's hold on the run it performs: renewed until it is stopped, and known when it is lost (E4, E6). */
import { LeaseLostError } from "../model/errors.ts";
import type { Claim } from "../model/run.ts";
import { renewLease } from "../store/claims.ts";
import type { Services } from "./services.ts";

/** One for all: a reason of its own would cost each run a stack. */
const ended = new Error("the run has ended");

/** Renews the lease until it is stopped; its signal is aborted when the lease is lost. */
export function holdLease(
  { db, clock, limits }: Pick<Services, "db" | "clock" | "limits">,
  claim: Claim,
): { readonly signal: AbortSignal; stop(): void } {
  const lost = new AbortController();
  const stopped = new AbortController();
  const beat = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(limits.heartbeatMs, stopped.signal);
      try {
        await renewLease(db, claim, limits.leaseMs);
      } catch (error) {
        // A database that is away for a moment does not end the run: the next beat may reach it.
        if (error instanceof LeaseLostError) throw error;
      }
    }
  };
  beat().catch((error: unknown) => {
    if (!stopped.signal.aborted) lost.abort(error);
  });
  return { signal: lost.signal, stop: () => stopped.abort(ended) };
}
