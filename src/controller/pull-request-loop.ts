/** When the pull requests of a repository are looked at, and when the forge is asked: apart from its own loop. */
import type { Hints } from "./hints.ts";
import type { PullRequests } from "./pull-requests.ts";
import type { Services } from "./services.ts";
import { spread } from "../model/clock.ts";
import { ForgeError } from "../report/forge/forge-error.ts";

/**
 * @param looked hints after each look at the repository
 * @param remote hints that the forge has something new: that is asked for after the look that follows
 */
export async function followPullRequests(
  { clock, random, log }: Pick<Services, "clock" | "random" | "log">,
  pulls: PullRequests,
  pollMs: number,
  looked: Hints,
  remote: Hints,
  stop: AbortSignal,
): Promise<void> {
  const now = (): number => clock.now().getTime();
  let heard = -1;
  let askAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let failures = 0;
  // There is nothing to compare with before the first look.
  await looked.wait(0, pollMs, clock, stop);
  while (!stop.aborted) {
    const seen = looked.count();
    const told = remote.count();
    let waitMs: number;
    try {
      const ask = told > heard || now() >= askAt;
      const { againMs, busy } = await pulls.pass(ask, stop);
      if (ask && !busy) {
        heard = told;
        askAt = now() + spread(pollMs, 0.1, random);
      }
      failures = 0;
      waitMs = Math.min(againMs ?? pollMs, askAt - now());
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      log.error({ err: error }, "looking at the pull requests");
      notBefore = now() + patienceMs(error, now(), failures, pollMs);
      waitMs = notBefore - now();
      // Whatever was heard was not looked at.
      heard = -1;
    }
    await looked.wait(seen, Math.max(waitMs, 10), clock, stop);
    // A hint does not make a forge answer that has asked to be left alone.
    if (now() < notBefore && !stop.aborted) await rest(notBefore - now());
  }

  async function rest(ms: number): Promise<void> {
    await clock.sleep(ms, stop).catch(() => undefined);
  }
}

/** As long as the forge says; else 2 s, 4 s, 8 s, … up to the poll's interval. */
function patienceMs(error: unknown, nowMs: number, failures: number, pollMs: number): number {
  if (error instanceof ForgeError && error.failure.kind === "rate-limited") {
    return Math.max(1_000, error.failure.retryAtMs - nowMs);
  }
  return Math.min(pollMs, 1_000 * 2 ** Math.min(failures, 8));
}
