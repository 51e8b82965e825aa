import { expect, test } from "vitest";
import { runningClock } from "../../test/support/step.ts";
import { builtStepTypes } from "../provider/step-types.ts";
import { createExecutors } from "./registry.ts";

test("what the format says this build performs is what it performs", () => {
  const secretMemory = { get: async () => undefined, put: async () => undefined };
  const executors = createExecutors({
    clock: runningClock,
    random: () => 0.5,
    scratch: "/tmp",
    path: "",
    randomBytes: (size) => new Uint8Array(size),
    secretMemory,
    connections: {},
    fetch,
  });
  expect([...executors.keys()].toSorted()).toEqual([...builtStepTypes].toSorted());
});
