import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import type { Condition } from "../model/condition.ts";
import { gateKinds } from "../model/plan.ts";
import { phases, type Recorded } from "../model/resource.ts";
import { formatUid } from "../model/uid.ts";
import type { EnvironmentState } from "./environment-state.ts";
import { statusFiles } from "./status-files.ts";
import { conditionsOf } from "./workload-conditions.ts";

const at = "2026-11-21T10:00:00.000Z";
const later = "2026-11-21T11:00:00.000Z";

const recorded = (name: string, more: Partial<Recorded> = {}): Recorded => ({
  uid: formatUid("postgres", "default", `shop.${name}`),
  workload: "shop",
  identity: "shop",
  name,
  type: "postgres",
  class: "default",
  phase: "active",
  gate: null,
  touched: true,
  params: {},
  template: {},
  dependsOn: [],
  bundle: {
    hash: "b1",
    provider: "database-team",
    version: "1.0.0",
    source: "providers/database-team",
    type: "postgres",
    stateful: true,
    workflows: {},
  },
  revision: 1,
  wanted: true,
  removal: null,
  deleteAfter: null,
  protected: false,
  commit: "5f0c1abd77",
  place: { file: "apps/shop/score.yaml", line: 8, column: 3 },
  since: at,
  reason: "",
  message: "",
  attempted: { operation: "create", hash: "h1" },
  failures: 0,
  nextAttemptAt: null,
  stalled: false,
  operation: "create",
  run: "0198-1",
  outputs: {},
  secretRefs: {},
  ...more,
});

const db = recorded("db", {
  outputs: { port: 5432, host: "db.internal", database_name: "shop_db" },
  secretRefs: {
    password: "secret://production/shop/db/password",
    connection_string: "secret://production/shop/db/connection_string",
  },
});
const going = recorded("old", {
  wanted: false,
  removal: { commit: "77aa001122", base: "5f0c1abd77" },
  gate: {
    kind: "grace",
    message: "reverting the removal keeps it",
    until: "2026-11-22T10:00:00.000Z",
  },
});
const failed = recorded("queue", {
  phase: "failed",
  stalled: true,
  failures: 5,
  reason: "ExhaustedRetries",
  message: "step make: exit code 1 | <b>disk full</b>",
});

const stateOf = (
  resources: readonly Recorded[],
  conditions = conditionsOf(resources, [], "5f0c1abd77", at),
): EnvironmentState => ({
  environment: "production",
  workloads: [{ name: "shop", file: "apps/shop/score.yaml", conditions }],
  resources,
  problems: [],
  planHash: "9d4e2f",
});

describe("the files of the status branch", () => {
  const state: EnvironmentState = {
    ...stateOf([failed, db, going, recorded("gone", { phase: "deleted" })]),
    problems: [
      {
        file: "apps/cart/score.yaml",
        line: 4,
        column: 3,
        pointer: "/containrs",
        code: "schema/unknown-field",
        severity: "error",
        message: 'unknown field "containrs"',
        hint: 'did you mean "containers"?',
      },
    ],
  };
  const files = statusFiles([state, { ...stateOf([db]), environment: "dev" }]);

  it("read as the golden files do", async () => {
    expect([...files.keys()]).toEqual(["README.md", "dev/shop.yaml", "production/shop.yaml"]);
    await expect(files.get("README.md")).toMatchFileSnapshot("testdata/README.md");
    await expect(files.get("production/shop.yaml")).toMatchFileSnapshot("testdata/shop.yaml");
  });

  it("parse as the shape of DESIGN.md §5", () => {
    expect(parse(files.get("dev/shop.yaml") ?? "")).toEqual({
      apiVersion: "innominatus.dev/v1",
      kind: "WorkloadStatus",
      metadata: { name: "shop", environment: "dev" },
      observedCommit: "5f0c1abd77",
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "AllResourcesActive",
          message: "1 of 1 resources active",
          observedCommit: "5f0c1abd77",
          lastTransitionTime: at,
        },
      ],
      resources: [
        {
          uid: db.uid,
          phase: "active",
          provider: "database-team@1.0.0",
          operation: "create",
          run: "0198-1",
          outputs: db.outputs,
          secretRefs: db.secretRefs,
        },
      ],
    });
  });

  it("have none for a workload whose last resource is deleted", () => {
    const files_ = statusFiles([stateOf([recorded("db", { phase: "deleted" })])]);
    expect([...files_.keys()]).toEqual(["README.md"]);
    expect(files_.get("README.md")).toContain("No resources.");
  });

  it("have one for a workload without resources, and for one that git forgot but not its resources", () => {
    expect(statusFiles([stateOf([])]).has("production/shop.yaml")).toBe(true);
    const forgotten = { ...stateOf([going]), workloads: [] };
    expect(statusFiles([forgotten]).get("production/shop.yaml")).toContain(
      "observedCommit: 5f0c1abd77",
    );
  });

  it("tell a person first of what needs one, in a README of bounded length", () => {
    const many = Array.from({ length: 1500 }, (_, index) => recorded(`r${index}`));
    const readme = statusFiles([stateOf([...many, failed])]).get("README.md") ?? "";
    expect(readme.split("\n").filter((it) => it.startsWith("| ["))).toHaveLength(1000);
    expect(readme).toContain("1500 of 1501 resources active.");
    expect(readme).toContain("… and 501 more");
    expect(readme).toContain("shop.queue` | **failed**");
    expect(statusFiles([]).get("README.md")).toContain("No environment has been planned yet.");
  });

  it("say how to approve, by the hash of the plan", () => {
    const gate = { kind: "budget", message: "too many" } as const;
    const state_ = stateOf([recorded("x", { gate })]);
    expect(statusFiles([state_]).get("README.md")).toContain("`innominatus approve 9d4e2f`");
    const unplanned = statusFiles([{ ...state_, planHash: null }]).get("README.md");
    expect(unplanned).toContain("`innominatus plan`");
  });

  it("hold nothing of a file's as markup", () => {
    const workload = "a|<b>@all](x)";
    const readme = statusFiles([stateOf([recorded("x", { workload })], [])]).get("README.md") ?? "";
    const line = readme.split("\n").find((it) => it.startsWith("| [")) ?? "";
    expect(line.match(/\|/g)).toHaveLength(6);
    expect(line).not.toMatch(/<b>|@all|\]\(x/);
  });

  it("stay inside their environment's folder, whatever a workload is called", () => {
    const workloads = ["../../README.md", "..", ".git", "a/b"].map((name) => ({
      name,
      file: "x.yaml",
      conditions: [],
    }));
    const paths = [...statusFiles([{ ...stateOf([]), workloads }]).keys()].slice(1);
    expect(paths).toHaveLength(4);
    for (const it of paths) expect(it).toMatch(/^production\/[^/.][^/]*\.yaml$/);
  });
});

const gate = fc.option(
  fc.record({ kind: fc.constantFrom(...gateKinds), message: fc.constantFrom("m", "n") }),
);
const resource = fc.record({
  phase: fc.constantFrom(...phases.filter((it) => it !== "held")),
  gate,
  stalled: fc.boolean(),
  commit: fc.constantFrom("c1", "c2"),
  workload: fc.constantFrom("shop", "cart"),
  message: fc.string(),
});
const resources = fc
  .array(resource, { maxLength: 6 })
  .map((list) => list.map((more, index) => recorded(`r${index}`, more)));

test("law 9: one state rendered twice, in any order and at any commit or time, is the same bytes", () => {
  fc.assert(
    fc.property(resources, (list) => {
      const first = conditionsOf(list, [], "c2", at);
      const again = conditionsOf(list.toReversed(), first, "c2", later);
      const unrelated = conditionsOf(list, again, "c3", later);
      const text = (conditions: readonly Condition[], its: readonly Recorded[]) => [
        ...statusFiles([stateOf(its, [...conditions])]),
      ];
      expect(text(again, list.toReversed())).toEqual(text(first, list));
      expect(text(unrelated, list)).toEqual(text(first, list));
    }),
  );
});

describe("a workload's conditions", () => {
  type Row = [string, Recorded[], string, string[]];
  const phase = (it: Recorded["phase"]): Recorded => recorded("x", { phase: it });
  const gated = (kind: (typeof gateKinds)[number]): Recorded =>
    recorded("x", { gate: { kind, message: "m" } });
  const rows: Row[] = [
    ["all active", [db], "AllResourcesActive", ["Ready"]],
    ["nothing asked for", [], "AllResourcesActive", ["Ready"]],
    ["a deleted one does not count", [phase("deleted")], "AllResourcesActive", ["Ready"]],
    ["one under way", [db, phase("provisioning")], "Progressing", ["Ready", "Reconciling"]],
    ["failed, to be retried", [phase("failed")], "RunFailed", ["Ready", "Reconciling"]],
    [
      "given up",
      [failed, phase("failed")],
      "ExhaustedRetries",
      ["Ready", "Reconciling", "Stalled"],
    ],
    ["waits for a person", [gated("approval")], "HeldByGate", ["Ready"]],
    ["waits for time", [gated("grace")], "HeldByGate", ["Ready", "Reconciling"]],
    ["waits for another", [gated("dependency")], "DependencyNotReady", ["Ready", "Reconciling"]],
    ["its file is broken", [gated("problem")], "SpecInvalid", ["Ready", "Stalled"]],
  ];
  test.each(rows)("%s", (_, its, reason, types) => {
    const conditions = conditionsOf(its, [], "c1", at);
    expect(conditions.map((it) => it.type)).toEqual(types);
    expect(conditions[0]).toMatchObject({ type: "Ready", reason });
    expect(conditions[0]?.status).toBe(reason === "AllResourcesActive" ? "True" : "False");
    for (const it of conditions.slice(1)) expect(it.status).toBe("True");
  });

  it("are SpecInvalid while the workload's file has an error, whatever its resources do", () => {
    const [problem] = [
      { file: "a.yaml", line: 1, column: 2, pointer: "", code: "yaml/x", message: "broken" },
    ];
    if (problem === undefined) throw new Error("no problem");
    const warned = conditionsOf([db], [], "c1", at, [{ ...problem, severity: "warning" }]);
    expect(warned[0]?.status).toBe("True");
    const conditions = conditionsOf([db], [], "c1", at, [{ ...problem, severity: "error" }]);
    expect(conditions.map((it) => [it.type, it.status, it.reason])).toEqual([
      ["Ready", "False", "SpecInvalid"],
      ["Stalled", "True", "SpecInvalid"],
    ]);
  });

  it("move their time only with their status", () => {
    const first = conditionsOf([phase("provisioning")], [], "c1", at);
    const failing = conditionsOf([phase("failed")], first, "c1", later);
    expect(failing.map((it) => it.lastTransitionTime)).toEqual([at, at]);
    const ready = conditionsOf([db], failing, "c1", later);
    expect(ready.map((it) => it.lastTransitionTime)).toEqual([later]);
  });

  it("observe a commit that changed something, and no other", () => {
    const first = conditionsOf([recorded("x", { commit: "c1" })], [], "c1", at);
    const untouched = conditionsOf([recorded("x", { commit: "c1" })], first, "c2", later);
    expect(untouched[0]?.observedCommit).toBe("c1");
    const updated = conditionsOf([recorded("x", { commit: "c3" })], untouched, "c3", later);
    expect(updated[0]?.observedCommit).toBe("c3");
    const broken = conditionsOf([gated("problem")], updated, "c4", later);
    expect(broken.map((it) => it.observedCommit)).toEqual(["c4", "c4"]);
  });
});
