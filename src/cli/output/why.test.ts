import { describe, expect, it, test } from "vitest";
import { gateKinds } from "../../model/plan.ts";
import { phases, type Recorded } from "../../model/resource.ts";
import type { Run } from "../../model/run.ts";
import { withoutBlocker, type Wait } from "../../model/wait.ts";
import { formatUid } from "../../model/uid.ts";
import { renderListing } from "./listing.ts";
import { nextEvent } from "../../controller/next-event.ts";
import { logText, resourceJson, resourceListing, runListing } from "./records.ts";
import type { Explanation } from "../../controller/explanation.ts";
import { whyJson, whyText } from "./why.ts";

const now = new Date("2026-11-21T10:05:00.000Z");
const db = formatUid("postgres", "shared", "shop.db");

const run: Run = {
  repository: "origin",
  environment: "production",
  id: "0198-2",
  uid: db,
  operation: "create",
  workflow: "create-postgres",
  provider: "database-team",
  bundle: "b1c2d3e4f5a6b7",
  commit: "5f0c1abd77",
  plan: "9d4e2f",
  state: "failed",
  reason: "StepFailed",
  message: "step make did not succeed",
  attempt: 2,
  queuedAt: "2026-11-21T10:03:58.000Z",
  startedAt: "2026-11-21T10:04:00.000Z",
  endedAt: "2026-11-21T10:04:02.500Z",
};

const recorded: Recorded = {
  uid: db,
  workload: "shop",
  identity: "shop",
  name: "db",
  type: "postgres",
  class: "shared",
  phase: "failed",
  gate: null,
  touched: true,
  params: {},
  template: {},
  dependsOn: [],
  bundle: {
    hash: "b1c2d3e4f5a6b7",
    provider: "database-team",
    version: "1.0.0",
    source: "providers/database-team",
    type: "postgres",
    stateful: true,
    workflows: {},
  },
  revision: 0,
  wanted: true,
  removal: null,
  deleteAfter: null,
  protected: false,
  commit: "5f0c1abd77",
  place: { file: "apps/shop/score.yaml", line: 8, column: 3 },
  since: "2026-11-21T10:04:02.500Z",
  reason: "StepFailed",
  message: "step make did not succeed",
  attempted: { operation: "create", hash: "h1" },
  failures: 2,
  nextAttemptAt: "2026-11-21T10:06:00.000Z",
  stalled: false,
  operation: "create",
  run: "0198-2",
  outputs: {},
  secretRefs: { password: "secret://production/shop/db/password" },
};

const step = { run: run.id, outputNames: [], attempts: 1, error: null } as const;

const why: Explanation = {
  uid: db,
  environment: "production",
  phase: "failed",
  since: recorded.since,
  decided: {
    operation: "create",
    reason: "Added",
    commit: run.commit,
    author: "Ada Lovelace",
    committedAt: "2026-11-21T10:03:00.000Z",
    subject: "Add a database to shop",
    place: recorded.place,
    rule: "class shared chose the workflow tagged shared of database-team, the only provider of postgres",
  },
  provider: {
    name: "database-team",
    version: "1.0.0",
    source: "providers/database-team",
    bundle: run.bundle,
  },
  dependsOn: [{ uid: formatUid("dns", "default", "shop.name"), phase: "active" }],
  run: {
    run,
    steps: [
      {
        ...step,
        index: 0,
        name: "credentials",
        type: "secret",
        state: "ended",
        startedAt: "2026-11-21T10:04:00.000Z",
        endedAt: "2026-11-21T10:04:00.100Z",
      },
      {
        ...step,
        index: 1,
        name: "make",
        type: "sql",
        state: "failed",
        attempts: 3,
        startedAt: "2026-11-21T10:04:00.100Z",
        endedAt: "2026-11-21T10:04:02.500Z",
        error: "connection refused\n(*** is no role)",
      },
    ],
  },
  gate: null,
  waits: [],
  next: nextEvent(recorded, "9d4e2f"),
};

const busy: Wait = {
  reason: "ResourceBusy",
  blocker: {
    repository: "origin",
    environment: "production",
    uid: formatUid("dns", "default", "shop.name"),
    run: "0198-1",
  },
  until: null,
};
const backingOff: Wait = { ...busy, reason: "BackoffActive", until: "2026-11-21T10:06:00.000Z" };

describe("why", () => {
  it("reads as the golden file does", async () => {
    await expect(whyText(why, now)).toMatchFileSnapshot("testdata/why.txt");
  });

  it("says no more than is known", () => {
    const { decided } = why;
    const text = whyText(
      {
        ...why,
        decided: { ...decided, author: null, committedAt: null, subject: null },
        dependsOn: [],
        run: null,
        gate: { kind: "lock", message: "target is in use" },
        next: { text: "nothing", at: null, command: "innominatus plan" },
      },
      now,
    );
    expect(text).not.toMatch(/null|undefined|needs/);
    expect(text).toContain("none yet");
    expect(text).toContain("held by lock: target is in use");
    expect(text).toContain("\n          innominatus plan\n");
  });

  it("E8: shows all that a run waits for, with who is in the way, and when it ends", () => {
    const waits = [backingOff, busy];
    const next = nextEvent(recorded, null, waits);
    const text = whyText({ ...why, waits, next }, now);
    expect(text).toContain(
      "waits for BackoffActive until 2026-11-21 10:06 UTC: run 0198-1 of dns.default#shop.name failed\n" +
        "          ResourceBusy: run 0198-1 of dns.default#shop.name has the target, until it ends\n",
    );
    expect(whyJson({ ...why, waits })["waits"]).toEqual(waits);
    expect(next).toMatchObject({ text: expect.stringContaining("tried again"), at: null });
    expect(nextEvent({ ...recorded, phase: "requested" }, null, [backingOff]).at).toBe(
      backingOff.until,
    );
  });

  it("E8: says of what may not be seen only that it is there", () => {
    const waits = [backingOff, busy].map(withoutBlocker);
    const text = whyText({ ...why, waits }, now);
    expect(text).toContain("ResourceBusy: a run of another resource has the target, until it ends");
    expect(text).not.toContain("0198-1 of");
  });

  it("E8: says how many runs of its provider keep it from a worker", () => {
    const requested = { ...recorded, phase: "requested", nextAttemptAt: null } as const;
    expect([0, 1, 4].map((it) => nextEvent(requested, null, [], it).text)).toEqual([
      "its run starts as soon as a worker is free",
      "its run starts as soon as a worker is free: 1 run of database-team is under way",
      "its run starts as soon as a worker is free: 4 runs of database-team are under way",
    ]);
  });

  it("holds the same as JSON", () => {
    expect(whyJson(why)).toMatchObject({
      uid: db,
      decided: { operation: "create", reason: "Added", file: "apps/shop/score.yaml", line: 8 },
      run: { id: "0198-2", steps: [{ name: "credentials" }, { name: "make", attempts: 3 }] },
      gate: null,
      next: { at: recorded.nextAttemptAt, command: null },
    });
    expect(whyJson({ ...why, run: null })["run"]).toBeNull();
  });
});

describe("law 12: what happens next is said", () => {
  test.each(phases.filter((it) => it !== "held"))("in phase %s", (phase) => {
    expect(nextEvent({ ...recorded, phase }, null).text).not.toBe("");
  });

  test.each(gateKinds)("while gate %s holds it, with the gate's time", (kind) => {
    const until = "2026-11-22T10:00:00.000Z";
    const next = nextEvent({ ...recorded, gate: { kind, message: "m", until } }, "9d4e2f");
    expect(next.at).toBe(until);
    expect(next.text).not.toBe("nothing");
    const approvable = kind === "approval" || kind === "budget";
    expect(next.command).toBe(approvable ? "innominatus approve 9d4e2f" : null);
  });

  it("to a person, where it has stalled", () => {
    const next = nextEvent({ ...recorded, stalled: true, nextAttemptAt: null }, null);
    expect(next).toEqual({
      text: "mend the cause, then have it tried again",
      at: null,
      command: `innominatus retry ${db}`,
    });
  });
});

test("resources and runs read as the golden file does", async () => {
  const gate = { kind: "approval", message: "approve the plan" } as const;
  const listed = { ...recorded, waits: [] };
  const resources = [
    listed,
    { ...listed, phase: "active", message: "left over" } as const,
    { ...listed, gate },
    { ...listed, stalled: true },
    { ...listed, waits: [backingOff] },
    { ...listed, phase: "requested", message: "", waits: [busy, backingOff] } as const,
  ];
  const text =
    renderListing(resourceListing(now), resources, "table") +
    renderListing(runListing(now), [run, { ...run, startedAt: null, state: "queued" }], "table");
  expect(text).not.toContain("left over");
  await expect(text).toMatchFileSnapshot("testdata/records.txt");
});

test("a resource as JSON has the phase that people see, and references in place of secrets", () => {
  const gate = { kind: "approval", message: "m" } as const;
  expect(resourceJson({ ...recorded, gate })).toMatchObject({
    phase: "held",
    gate: { kind: "approval", message: "m", until: null },
    secretRefs: recorded.secretRefs,
  });
});

test("each line of a log is named and stays one line", () => {
  const text = logText({ step: "make", at: run.queuedAt, text: "one\n\n\ttwo\r\u001b[2K\n" });
  expect(text).toBe(
    "10:03:58.000 make | one\n10:03:58.000 make |\n10:03:58.000 make |     two\\r\\u{1b}[2K\n",
  );
});
