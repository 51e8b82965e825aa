/** What a step type's executor is handed in a test, and a clock that really runs. */
import type { JsonRecord } from "../../src/model/json.ts";
import type { StepContext, StepExecutor, StepResult } from "../../src/execute/step-type.ts";
import { createMasker } from "../../src/secrets/mask.ts";

export { systemClock as runningClock } from "../../src/cli/clock.ts";

export const stepContext = (more: Partial<StepContext> = {}): StepContext => ({
  scope: { repository: "origin", environment: "default" },
  uid: "mock.default#shop.db",
  provider: "test-team",
  run: "run-1",
  name: "only",
  key: "run-1/only",
  parameters: {},
  environment: {},
  attempt: 1,
  elapsedMs: 0,
  masker: createMasker(),
  log: () => undefined,
  signal: new AbortController().signal,
  deadlineAt: new Date("2100-01-01T00:00:00Z"),
  note: undefined,
  writeNote: async () => undefined,
  wake: () => undefined,
  ...more,
});

/** Performs one attempt. @param logged collects what the step says */
export function performOnce(
  executor: StepExecutor,
  config: JsonRecord,
  more: Partial<StepContext> = {},
  logged: string[] = [],
): Promise<StepResult> {
  const log = (text: string) => void logged.push(text);
  return executor.bind("only", config).run(stepContext({ log, ...more }));
}
