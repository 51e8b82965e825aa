import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  bundle,
  parameter,
  planInput,
  recorded,
  wanted,
  workflow,
} from "../../test/support/plan.ts";
import type { Gate, PlannedOperation } from "../model/plan.ts";
import type { Desired, Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import type { PlanInput } from "./input.ts";
import { makePlan } from "./plan.ts";

const db: Uid = "thing.default#shop.db";
const only = (input: Partial<PlanInput>): PlannedOperation | undefined =>
  makePlan(planInput(input)).operations[0];

type Row = [
  name: string,
  want: Desired | null,
  have: Recorded | null,
  operation: string,
  reason: string,
  gate: Gate["kind"] | null,
];

const gone = { wanted: false, removal: { commit: "c1", base: "c0" } };
const noUpdate = bundle({ hash: "bundle-2", workflows: { create: workflow("make") } });

const table: Row[] = [
  ["in git only", wanted(db), null, "create", "Added", null],
  ["asked for, not begun", wanted(db), recorded(db, { touched: false }), "create", "Added", null],
  ["equal", wanted(db), recorded(db), "none", "UpToDate", null],
  [
    "a param differs",
    wanted(db, { params: { size: "m" } }),
    recorded(db),
    "update",
    "Changed",
    null,
  ],
  [
    "a fixed param differs",
    wanted(db, { params: { region: "b" } }),
    recorded(db, { params: { region: "a" } }),
    "replace",
    "ImmutableChanged",
    "approval",
  ],
  [
    "the workflow differs",
    wanted(db, { bundle: bundle({ hash: "bundle-2" }) }),
    recorded(db),
    "update",
    "BundleChanged",
    null,
  ],
  [
    "the workflow differs, and there is none to update",
    wanted(db, { bundle: noUpdate }),
    recorded(db),
    "none",
    "UpToDate",
    null,
  ],
  [
    "a param differs, and there is no workflow to update",
    wanted(db, { bundle: noUpdate, params: { size: "m" } }),
    recorded(db),
    "update",
    "Changed",
    "problem",
  ],
  [
    "another provider serves the type",
    wanted(db, { bundle: bundle({ hash: "bundle-2", provider: "other" }) }),
    recorded(db),
    "update",
    "ProviderChanged",
    "approval",
  ],
  [
    "a create did not end",
    wanted(db),
    recorded(db, { phase: "failed", revision: 0 }),
    "create",
    "Incomplete",
    null,
  ],
  [
    "an update did not end, and was taken back",
    wanted(db),
    recorded(db, { phase: "failed" }),
    "update",
    "Incomplete",
    null,
  ],
  [
    "asked for again while it is deleted",
    wanted(db),
    recorded(db, { phase: "deleting", attempted: { operation: "delete", hash: "h" } }),
    "create",
    "Incomplete",
    null,
  ],
  ["removed", null, recorded(db), "delete", "Removed", null],
  ["removed before", null, recorded(db, gone), "delete", "Removed", null],
  [
    "removed, data in it",
    null,
    recorded(db, { bundle: bundle({ stateful: true }) }),
    "delete",
    "Removed",
    "grace",
  ],
  [
    "removed, and its grace is over",
    null,
    recorded(db, {
      ...gone,
      bundle: bundle({ stateful: true }),
      deleteAfter: "2026-01-01T00:00:00.000Z",
    }),
    "delete",
    "Removed",
    null,
  ],
  [
    "removed, and protected",
    null,
    recorded(db, { protected: true }),
    "delete",
    "Removed",
    "history",
  ],
  [
    "removed, and nothing can delete it",
    null,
    recorded(db, { bundle: noUpdate }),
    "delete",
    "Removed",
    "problem",
  ],
  [
    "gone with a rewritten history, earlier",
    null,
    recorded(db, { wanted: false }),
    "none",
    "RemovalUnproven",
    "history",
  ],
  [
    "on hold",
    wanted(db, { hold: true, params: { size: "m" } }),
    recorded(db),
    "update",
    "Changed",
    "problem",
  ],
];

describe("makePlan", () => {
  test.each(table)("%s", (_, want, have, operation, reason, gate) => {
    const planned = only({ desired: want ? [want] : [], recorded: have ? [have] : [] });
    expect(planned).toMatchObject({ uid: db, operation, reason });
    expect(planned?.gate?.kind ?? null).toBe(gate);
  });

  it("forgets what was asked for and never begun", () => {
    expect(only({ recorded: [recorded(db, { touched: false })] })).toBeUndefined();
  });

  it("deletes from the pinned bundle, whatever git has now", () => {
    const pinned = bundle({ hash: "old", workflows: { delete: workflow("the-old-way") } });
    expect(only({ recorded: [recorded(db, { bundle: pinned })] })).toMatchObject({
      workflow: "the-old-way",
      bundle: "old",
    });
  });

  const unproven: [PlanInput["history"], Gate["kind"]][] = [
    [{ kind: "first" }, "history"],
    [{ kind: "rewritten", base: "c0" }, "history"],
    [{ kind: "emptied" }, "history"],
    [{ kind: "unreadable", files: ["apps/other/score.yaml"] }, "problem"],
  ];
  test.each(unproven)("law 1: with history %j nothing is deleted", (history, kind) => {
    const planned = only({ recorded: [recorded(db)], history });
    expect(planned).toMatchObject({ operation: "none", gate: { kind } });
  });

  it.each(["rewritten", "unreadable", "emptied"] as const)(
    "law 1: a removal proven before waits while the tree is %s",
    (kind) => {
      const history = { kind, base: "c0", files: ["x"] };
      const planned = only({ recorded: [recorded(db, gone)], history });
      expect(planned?.gate).not.toBeNull();
    },
  );

  it("law 1: a spec that is still in the tree, unselected, is not removed", () => {
    const planned = only({ recorded: [recorded(db)], unselected: new Set(["shop"]) });
    expect(planned).toMatchObject({ operation: "none", gate: { kind: "history" } });
  });

  it("law 2: what a mistake in a file blocks is held, made or not", () => {
    const blocked = { ...wanted(db), message: "no provider serves it" };
    const gate = { kind: "problem", message: "no provider serves it" };
    expect(only({ blocked: [blocked] })).toMatchObject({ operation: "create", gate });
    expect(only({ blocked: [blocked], recorded: [recorded(db)] })).toMatchObject({
      operation: "none",
      reason: "Held",
      gate,
    });
  });
});

describe("law 3: a rename is not delete-and-create", () => {
  const before = recorded("thing.default#shop.db", { template: { size: "s" } });
  const after = wanted("thing.default#store.db", { template: { size: "s" } });

  it("holds both sides, and gives the annotation that keeps what there is", () => {
    const { operations } = makePlan(planInput({ desired: [after], recorded: [before] }));
    expect(operations.map((it) => [it.operation, it.gate?.kind])).toEqual([
      ["delete", "approval"],
      ["create", "approval"],
    ]);
    expect(operations[1]?.gate?.message).toContain('innominatus.dev/id: "shop"');
  });

  it("lets another wish be another resource", () => {
    const other = wanted("thing.default#store.db", { template: { size: "m" } });
    const { operations } = makePlan(planInput({ desired: [other], recorded: [before] }));
    expect(operations.every((it) => it.gate === null)).toBe(true);
  });

  it("keeps the resource where the annotation gives the identity", () => {
    const kept = wanted("thing.default#shop.db", { workload: "store", template: { size: "s" } });
    const { operations } = makePlan(planInput({ desired: [kept], recorded: [before] }));
    expect(operations).toMatchObject([{ operation: "none", gate: null }]);
  });
});

describe("law 4: deletions are bounded", () => {
  const many = (count: number): Recorded[] =>
    Array.from({ length: count }, (_, index) => recorded(`thing.default#app${index}.db`));
  const plan = (removed: number, kept: number, given: Partial<PlanInput> = {}) => {
    const all = many(removed + kept);
    const desired = all.slice(removed).map((it) => wanted(it.uid));
    return makePlan(planInput({ recorded: all, desired, ...given }));
  };
  const held = ({ operations }: ReturnType<typeof plan>) =>
    operations.filter((it) => it.gate?.kind === "budget").length;

  it.each([
    [3, 0, 0],
    [4, 0, 4],
    [5, 45, 0],
    [6, 44, 6],
  ])("%i removed and %i kept holds %i", (removed, kept, expected) => {
    expect(held(plan(removed, kept))).toBe(expected);
  });

  it("counts what was deleted within the hour", () => {
    const recentDeletions = new Set<Uid>(["thing.default#x.db", "thing.default#y.db"]);
    expect(held(plan(1, 5, { recentDeletions }))).toBe(0);
    expect(held(plan(2, 5, { recentDeletions }))).toBe(2);
  });

  it("goes on with exactly the plan that was approved, as a whole", () => {
    const { hash } = plan(5, 1);
    expect(held(plan(5, 1, { approved: new Set([hash]) }))).toBe(0);
    expect(held(plan(4, 2, { approved: new Set([hash]) }))).toBe(4);
  });

  it("does not hold again what has begun", () => {
    const attempted = { operation: "delete" as const, hash: "h" };
    const all = many(5).map((it, index) => (index === 0 ? { ...it, attempted } : it));
    const { operations } = makePlan(planInput({ recorded: all }));
    expect(operations.filter((it) => it.gate === null).map((it) => it.uid)).toEqual([all[0]?.uid]);
  });

  it("asks for an approval of each deletion where the repository wants it", () => {
    const { policy } = planInput();
    const { operations } = plan(1, 5, { policy: { ...policy, approval: "always" } });
    expect(operations[0]?.gate?.kind).toBe("approval");
  });

  it("never lets an approval lift grace, history or a problem", () => {
    const stateful = recorded(db, { bundle: bundle({ stateful: true }) });
    const guarded = recorded("thing.default#shop.x", { protected: true });
    const input = planInput({ recorded: [stateful, guarded] });
    const approved = new Set([makePlan(input).hash]);
    const { operations } = makePlan({ ...input, approved });
    expect(operations.map((it) => it.gate?.kind)).toEqual(["grace", "history"]);
  });
});

describe("order", () => {
  const api: Uid = "thing.default#shop.api";

  it("makes what is needed first", () => {
    const { operations } = makePlan(
      planInput({ desired: [wanted(db), wanted(api, { dependsOn: [db] })] }),
    );
    expect(operations.find((it) => it.uid === api)?.dependsOn).toEqual([db]);
  });

  it("deletes it last", () => {
    const { operations } = makePlan(
      planInput({ recorded: [recorded(db), recorded(api, { dependsOn: [db] })] }),
    );
    expect(operations.find((it) => it.uid === db)?.dependsOn).toEqual([api]);
  });

  it("holds whoever waits for something held, along the whole chain", () => {
    const web: Uid = "thing.default#shop.web";
    const blocked = { ...wanted(db), message: "no" };
    const desired = [wanted(api, { dependsOn: [db] }), wanted(web, { dependsOn: [api] })];
    const { operations } = makePlan(planInput({ desired, blocked: [blocked] }));
    expect(operations.map((it) => it.gate?.kind)).toEqual(["dependency", "problem", "dependency"]);
  });
});

describe("properties", () => {
  const uid = fc.integer({ min: 0, max: 9 }).map((n): Uid => `thing.default#app${n}.r`);
  const params = fc.dictionary(
    fc.constantFrom("size", "region", "a/b", "constructor"),
    fc.constantFrom("s", "m", 1, true, null),
  );
  const history = fc.constantFrom<PlanInput["history"]>(
    { kind: "proven" },
    { kind: "rewritten", base: "c0" },
    { kind: "emptied" },
    { kind: "unreadable", files: ["x"] },
    { kind: "first" },
  );
  const have = fc
    .record({
      uid,
      params,
      wanted: fc.boolean(),
      protected: fc.boolean(),
      touched: fc.boolean(),
      revision: fc.constantFrom(0, 1, 2),
    })
    .map(({ uid: of, ...it }) => recorded(of, it));
  const input = fc
    .record({
      desired: fc.uniqueArray(
        fc.record({ uid, params }).map((it) => wanted(it.uid, { params: it.params })),
        { selector: (it) => it.uid },
      ),
      recorded: fc.uniqueArray(have, { selector: (it) => it.uid }),
      history,
    })
    .map((it) => planInput(it));

  it("law 1: deletes only what was wanted, is not any more, and history proves", () => {
    fc.assert(
      fc.property(input, (it) => {
        const asked = new Set(it.desired.map((want) => want.uid));
        const before = new Map(it.recorded.map((have_) => [have_.uid, have_]));
        for (const { uid: of, operation, gate } of makePlan(it).operations) {
          if (operation !== "delete" || gate !== null) continue;
          expect(it.history.kind).toBe("proven");
          expect(asked.has(of)).toBe(false);
          expect(before.get(of)).toMatchObject({ wanted: true, protected: false, touched: true });
        }
      }),
    );
  });

  it("is a fixed point: once applied, there is nothing left to do", () => {
    fc.assert(
      fc.property(input, ({ desired }) => {
        const applied = desired.map((it) => recorded(it.uid, { ...it }));
        const { operations } = makePlan(planInput({ desired, recorded: applied }));
        expect(operations.every((it) => it.operation === "none" && it.gate === null)).toBe(true);
      }),
    );
  });

  it("law 11: does not depend on the order of its input, and neither does its hash", () => {
    fc.assert(
      fc.property(input, (it) => {
        const turned = {
          ...it,
          desired: it.desired.toReversed(),
          recorded: it.recorded.toReversed(),
        };
        expect(makePlan(turned)).toEqual(makePlan(it));
      }),
    );
  });

  it("law 11: another operation, base, bundle or revision is another hash; commit and time are not", () => {
    const base = planInput({ desired: [wanted(db)], recorded: [recorded("thing.default#a.b")] });
    const { hash } = makePlan(base);
    const others: Partial<PlanInput>[] = [
      { base: "c9" },
      { environment: "other" },
      { desired: [wanted(db, { params: { size: "m" } })] },
      { desired: [wanted(db, { bundle: bundle({ hash: "bundle-2" }) })] },
      { recorded: [recorded("thing.default#a.b", { revision: 2 })] },
    ];
    for (const other of others) expect(makePlan({ ...base, ...other }).hash).not.toBe(hash);
    const later = { ...base, commit: "c2", now: "2027-01-01T00:00:00.000Z" };
    expect(makePlan(later).hash).toBe(hash);
  });
});

test.each([
  [{ size: "l" }, { size: "s" }, "problem"],
  [{ size: "l" }, {}, "problem"],
  [{}, { size: "l" }, null],
  [{ nodes: 3 }, { nodes: 2 }, "problem"],
  [{ nodes: 2 }, { nodes: 10 }, null],
])("what may only grow goes from %j to %j with the gate %j", (from, to, gate) => {
  const parameters = [
    parameter("size", { enum: ["s", "m", "l"], default: "s", onlyGrows: true }),
    parameter("nodes", { type: "number", onlyGrows: true }),
  ];
  const workflows = { create: workflow("make", { parameters }), update: workflow("change") };
  const grows = bundle({ hash: "bundle-2", workflows });
  const want = wanted(db, { params: to, bundle: grows });
  const planned = only({
    desired: [want],
    recorded: [recorded(db, { params: from, bundle: grows })],
  });
  expect(planned).toMatchObject({ operation: "update" });
  expect(planned?.gate?.kind ?? null).toBe(gate);
});
