import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Json } from "../../model/json.ts";
import { gateKinds, type Change, type Plan, type PlannedOperation } from "../../model/plan.ts";
import { formatUid } from "../../model/uid.ts";
import { fieldName, showValue } from "./fields.ts";
import { planJson } from "./json.ts";
import { planMarkdown } from "./markdown.ts";
import { planText } from "./text.ts";
import type { PlanFacts } from "./words.ts";

const facts: PlanFacts = {
  isSensitive: (_, path) => path === "/admin/password",
  isStateful: (uid) => uid.startsWith("postgres."),
};

const operation = (
  name: string,
  verb: PlannedOperation["operation"],
  more: Partial<PlannedOperation> = {},
): PlannedOperation => ({
  uid: formatUid("postgres", "default", `shop.${name}`),
  operation: verb,
  workload: "shop",
  provider: "database-team@1.0.0",
  workflow: verb === "none" ? null : `${verb}-postgres`,
  bundle: "b1",
  reason: "UpToDate",
  changes: [],
  dependsOn: [],
  gate: null,
  ...more,
});

const change = (path: string, from: Json | undefined, to: Json | undefined): Change => ({
  path,
  from,
  to,
});

const planOf = (operations: readonly PlannedOperation[], more: Partial<Plan> = {}): Plan => {
  const count = (verb: string) => operations.filter((it) => it.operation === verb).length;
  return {
    hash: "9d4e2f",
    commit: "5f0c1abd77",
    base: "1a2b3c4d55",
    environment: "production",
    operations,
    summary: {
      create: count("create"),
      update: count("update"),
      delete: count("delete"),
      replace: count("replace"),
      none: count("none"),
      held: operations.filter((it) => it.gate !== null).length,
    },
    problems: [],
    ...more,
  };
};

const whole = planOf(
  [
    operation("cache", "create", {
      reason: "Added",
      changes: [change("", undefined, { size: "small", admin: { password: "hunter2", n: "7" } })],
      dependsOn: ["postgres.default#shop.db"],
    }),
    operation("db", "update", {
      reason: "Changed",
      changes: [
        change("/size", "small", "medium"),
        change("/admin/password", "hunter2", "hunter3"),
        change("/extensions", ["a"], ["a", "b"]),
        change("/note", "x", undefined),
      ],
    }),
    operation("gone", "delete", {
      reason: "Removed",
      gate: {
        kind: "grace",
        message: "reverting the removal keeps it",
        until: "2026-11-22T10:00:00.000Z",
      },
    }),
    operation("lost", "none", {
      reason: "RemovalUnproven",
      gate: { kind: "history", message: "1a2b3c4d is no ancestor of 5f0c1abd" },
    }),
    operation("old", "replace", {
      reason: "ImmutableChanged",
      changes: [change("/region", "eu", "us")],
      gate: { kind: "approval", message: "replacing loses the data: approve the plan" },
    }),
    operation("same", "none"),
    operation("same2", "none"),
  ],
  {
    problems: [
      {
        file: "apps/shop/score.yaml",
        line: 4,
        column: 3,
        pointer: "/containrs",
        code: "schema/unknown-field",
        severity: "error",
        message: 'unknown field "containrs"',
        hint: 'did you mean "containers"?',
      },
    ],
  },
);

describe("a plan as text", () => {
  it("reads as the golden file does", async () => {
    await expect(planText(whole, facts)).toMatchFileSnapshot("testdata/plan.txt");
  });

  it("says when there is nothing to do", () => {
    const text = planText(planOf([operation("db", "none")], { base: null }), facts);
    expect(text).toContain("Plan: no changes, 1 unchanged\n");
    expect(text).not.toContain("shop.db");
    expect(text).not.toContain("Next");
  });

  it("lets nothing from a file move the cursor", () => {
    const text = planText(
      planOf([
        operation("db", "update", {
          workload: "\u001b[2J",
          changes: [change("/a", "\u001b[31m\n", "\u202e")],
        }),
      ]),
      facts,
    );
    for (const it of ["\u001b", "\u202e"]) expect(text).not.toContain(it);
  });
});

describe("a plan as JSON", () => {
  it("has the shape of the contract, absent values as null", async () => {
    const json = planJson(whole, facts);
    await expect(`${JSON.stringify(json, null, 2)}\n`).toMatchFileSnapshot("testdata/plan.json");
  });
});

describe("a plan as Markdown", () => {
  it("reads as the golden file does", async () => {
    await expect(planMarkdown(whole, facts)).toMatchFileSnapshot("testdata/plan.md");
  });

  it("leaves out sections that would be empty", () => {
    const markdown = planMarkdown(planOf([operation("db", "none")]), facts);
    expect(markdown).not.toMatch(/details|workload|error/);
  });

  it("cuts a large plan at a row, deletions kept, and says so", () => {
    const many = Array.from({ length: 2000 }, (_, index) =>
      operation(`r${index}`, index === 1999 ? "delete" : "create"),
    );
    const markdown = planMarkdown(planOf(many), facts);
    expect(markdown.length).toBeLessThanOrEqual(60_000);
    expect(markdown).toContain("`postgres.default#shop.r1999` | - **delete**");
    expect(markdown).toMatch(/… and \d+ operations more than fit here/);
    expect(markdown).toContain("Plan `9d4e2f`");
  });
});

test("law 7: no rendering shows a value that a workflow marks sensitive, on any side or depth", () => {
  const renderings = [
    planText(whole, facts),
    planMarkdown(whole, facts),
    JSON.stringify(planJson(whole, facts)),
  ];
  for (const it of renderings) {
    expect(it).not.toContain("hunter");
    expect(it).toContain("(sensitive)");
  }
});

test("a value inside a sensitive one is as sensitive", () => {
  const plan = planOf([
    operation("db", "update", { changes: [change("/admin/password/0/key", "hunter2", null)] }),
  ]);
  expect(JSON.stringify(planJson(plan, facts))).not.toContain("hunter2");
});

test("a sensitive value inside a list or a record is concealed there, and its neighbours are shown", () => {
  const inside: PlanFacts = { ...facts, isSensitive: (_, path) => path === "/users/1/key" };
  const users = [{ key: "a" }, { key: "hunter2", name: "b" }];
  const plan = planOf([
    operation("db", "create", { changes: [change("/users", undefined, users)] }),
  ]);
  expect(planJson(plan, inside)).toMatchObject({
    operations: [{ changes: [{ to: [{ key: "a" }, { key: "(sensitive)", name: "b" }] }] }],
  });
});

type StakeRow = [PlannedOperation["operation"], string, string];

test.each<StakeRow>([
  ["delete", "postgres", "its data and its credentials are deleted with it"],
  ["delete", "mock", "it and its credentials are gone for good"],
  ["replace", "postgres", "it is deleted and made anew: its data is lost"],
  ["replace", "mock", "it is deleted and made anew, with new credentials"],
])("what is at stake when a plan would %s a %s", (verb, type, stake) => {
  const plan = planOf([operation("x", verb, { uid: formatUid(type, "default", "shop.x") })]);
  expect(planText(plan, facts)).toContain(`at stake: ${stake}\n`);
  expect(planMarkdown(plan, facts)).toContain(`**${stake}**`);
  expect(planMarkdown(plan, facts)).toContain("1 as soon as this is merged");
});

test("nothing is at stake in an update", () => {
  expect(planText(planOf([operation("x", "update")]), facts)).not.toContain("at stake");
});

test.each([
  ["/a~1b/c.d/e~0", 'a/b."c.d".e~'],
  ["/items/0", "items.0"],
  ["", "params"],
])("the field %s is named %s", (path, name) => {
  expect(fieldName(path)).toBe(name);
});

test.each<[Json, string]>([
  ["small", "small"],
  ["7", '"7"'],
  ["true", '"true"'],
  ["a b", '"a b"'],
  ["", '""'],
  [7, "7"],
  [null, "null"],
  ["${resources.db.host}", "${resources.db.host}"],
])("the value %j is shown as %s", (value, shown) => {
  expect(showValue(value)).toBe(shown);
});

test("an adoption is counted with the rest", () => {
  const plan = planOf([operation("a", "adopt"), operation("b", "none")]);
  expect(planText(plan, facts)).toContain("Plan: 1 to adopt, 1 unchanged\n");
});

test("problems that do not fit are counted, and the table gets the room", () => {
  const [problem] = whole.problems;
  const problems = Array.from({ length: 2000 }, () => problem).flatMap((it) => it ?? []);
  const markdown = planMarkdown({ ...whole, problems }, facts);
  expect(markdown.length).toBeLessThanOrEqual(60_000);
  expect(markdown).toMatch(/… and \d+ problems more than fit here/);
  expect(markdown).toContain("### 2000 errors");
  expect(markdown).toContain("`postgres.default#shop.db` | ~ update");
});

describe("whatever people write", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 600 }),
    fc.constantFrom(
      "<img src=x onerror=alert(1)>",
      "@everyone",
      "a|b\\|c",
      "```\n</details>",
      "[x](javascript:1)",
      "-->",
      "owner/repo#12",
      "`",
      "\\",
      "![a](https://evil.example/x.png)",
    ),
  );
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2 },
      hostile,
      fc.constantFrom(null, 1, true),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(hostile, tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  const maybe = fc.option(json, { nil: undefined });
  const operations = fc.array(
    fc
      .record({
        id: hostile,
        verb: fc.constantFrom("create", "update", "delete", "replace", "none", "adopt"),
        workload: hostile,
        provider: hostile,
        workflow: fc.option(hostile),
        message: hostile,
        kind: fc.constantFrom(...gateKinds),
        changes: fc.array(
          fc.record({ path: hostile.map((it) => `/${it}`), from: maybe, to: maybe }),
          { maxLength: 3 },
        ),
      })
      .map(({ id, verb, message, kind, ...more }) =>
        operation("x", verb, { ...more, uid: formatUid("a", "b", id), gate: { kind, message } }),
      ),
    { maxLength: 30 },
  );
  const problems = fc.array(
    fc.record({
      file: hostile,
      line: fc.nat(),
      column: fc.nat(),
      pointer: hostile,
      code: hostile,
      severity: fc.constantFrom("error", "warning"),
      message: hostile,
      hint: hostile,
    }),
    { maxLength: 30 },
  );
  const plans = fc.tuple(operations, problems).map(([o, p]) => planOf(o, { problems: p }));

  it("the comment keeps its limit, its table and its blocks, and holds no markup of theirs", () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 4_000, max: 60_000 }), (plan, limit) => {
        const markdown = planMarkdown(plan, facts, limit);
        expect(markdown.length).toBeLessThanOrEqual(limit);
        const outside = outsideFences(markdown);
        expect(outside).not.toMatch(/<(?!\/?(details|summary|code)>)/);
        expect(outside.match(/<details>/g)?.length).toBe(outside.match(/<\/details>/g)?.length);
        const text = outside.replaceAll(/`[^`\n]*`|&#\d+;/g, "_");
        expect(text).not.toMatch(/\]\(|@[a-z]|#\d|:\/\/|`/);
        const rows = outside.split("\n").filter((it) => it.startsWith("|"));
        for (const it of rows) expect(it.match(/\|/g)).toHaveLength(6);
        expect(rows.every((it) => it.endsWith(" |"))).toBe(true);
      }),
    );
  });

  /** Every line of a plan is ours, so that a line which begins with a fence is one. */
  function outsideFences(markdown: string): string {
    const kept: string[] = [];
    let fence = "";
    for (const line of markdown.split("\n")) {
      if (fence !== "") {
        if (line === fence) fence = "";
      } else {
        fence = /^`{3,}/.exec(line)?.[0] ?? "";
        if (fence === "") kept.push(line);
      }
    }
    expect(fence).toBe("");
    return kept.join("\n");
  }
});
