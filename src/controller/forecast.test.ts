import { expect, test } from "vitest";
import { formatUid } from "../model/uid.ts";
import type { PlannedOperation } from "../model/plan.ts";
import type { Duration } from "../store/durations.ts";
import { forecastOf } from "./forecast.ts";

const uidOf = (name: string) => formatUid("thing", "default", `shop.${name}`);

const operation = (
  name: string,
  verb: PlannedOperation["operation"],
  dependsOn: readonly string[] = [],
  gate: PlannedOperation["gate"] = null,
): PlannedOperation => ({
  uid: uidOf(name),
  operation: verb,
  workload: "shop",
  provider: "things@1",
  workflow: verb,
  bundle: "b",
  reason: "Added",
  changes: [],
  dependsOn: dependsOn.map(uidOf),
  gate,
});

const planOf = (...operations: readonly PlannedOperation[]) => ({
  hash: "h",
  commit: "c",
  base: null,
  environment: "default",
  operations,
  summary: { create: 0, update: 0, delete: 0, replace: 0, none: 0, held: 0 },
  problems: [],
});

const past = (count = 5): Duration[] => [
  { type: "thing", operation: "create", count, p50Ms: 100, p90Ms: 300 },
  { type: "thing", operation: "delete", count: 9, p50Ms: 10, p90Ms: 20 },
];

test("what runs side by side takes as long as the slowest, what waits for another comes after it", () => {
  const chain = planOf(
    operation("a", "create"),
    operation("b", "create", ["a"]),
    operation("c", "replace"),
  );
  expect(forecastOf(chain, past())).toEqual({ p50Ms: 200, p90Ms: 600 });
  const apart = planOf(operation("a", "create"), operation("b", "replace"));
  expect(forecastOf(apart, past())).toEqual({ p50Ms: 110, p90Ms: 320 });
});

test("it is silent where too little is known, and where nothing runs", () => {
  expect(forecastOf(planOf(operation("a", "create")), past(4))).toBeUndefined();
  expect(forecastOf(planOf(operation("a", "update")), past())).toBeUndefined();
  expect(forecastOf(planOf(operation("a", "none")), past())).toBeUndefined();
});

test("what a gate holds back does not count", () => {
  const held = operation("a", "update", [], { kind: "approval", message: "" });
  expect(forecastOf(planOf(held, operation("b", "delete")), past())).toEqual({
    p50Ms: 10,
    p90Ms: 20,
  });
});
