import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { LeaseLostError, StallingError, SupersededError, WaitingError } from "../model/errors.ts";
import { toResult } from "./result.ts";

const policy = { baseMs: 60_000, capMs: 600_000, stallAfter: 5 };
const half = (): number => 0.5;
const told = (error: unknown, failures = 0) => toResult(error, failures, half, policy);

describe("what follows from how a run ended", () => {
  test.each([
    ["well", undefined, { kind: "done" }],
    ["without its lease", new LeaseLostError("t", 1n), { kind: "lost" }],
    [
      "for a newer wish",
      new SupersededError("newer"),
      { kind: "superseded", reason: "Superseded" },
    ],
    [
      "with a wait",
      new WaitingError("NotYet", "not yet", 7),
      { kind: "waiting", reason: "NotYet", delayMs: 7 },
    ],
    [
      "with what a person has to change",
      new StallingError("Broken", "it is", "mend it"),
      { kind: "stalled", reason: "Broken", hint: "mend it" },
    ],
    ["with a failure", new Error("no"), { kind: "requeue", reason: "RunFailed", message: "no" }],
    ["with what is no error", "text", { kind: "requeue", message: "'text'" }],
  ])("%s", (_, error, result) => expect(told(error)).toMatchObject(result));

  it("doubles the wait with each failure up to the cap, and stalls after the fifth (E13, E14)", () => {
    const delays = [0, 1, 2, 3].map((failures) => told(new Error("no"), failures));
    expect(delays).toMatchObject(
      [60_000, 120_000, 240_000, 480_000].map((delayMs) => ({ delayMs })),
    );
    expect(told(new Error("no"), 4)).toMatchObject({ kind: "stalled", reason: "ExhaustedRetries" });
    expect(told(new Error("no"), 99)).toMatchObject({ kind: "stalled" });
  });

  it("counts no failure of what waits, is superseded or lost, however many there were", () => {
    expect(told(new WaitingError("NotYet", "", 1), 99).kind).toBe("waiting");
    expect(told(new SupersededError(""), 99).kind).toBe("superseded");
    expect(told(new LeaseLostError("t", 1n), 99).kind).toBe("lost");
  });

  it("keeps every delay within base and cap", () => {
    const given = fc.tuple(fc.nat({ max: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }));
    fc.assert(
      fc.property(given, ([failures, random]) => {
        const lenient = { ...policy, stallAfter: 1_000 };
        const result = toResult(new Error("no"), failures, () => random, lenient);
        const delayMs = result.kind === "requeue" ? result.delayMs : -1;
        expect(delayMs).toBeGreaterThanOrEqual(policy.baseMs);
        expect(delayMs).toBeLessThanOrEqual(policy.capMs);
      }),
    );
  });
});
