import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { openOtlp } from "../report/trace/otlp.ts";
import { tracerOf } from "../cli/tracing.ts";
import type { Clock } from "../model/clock.ts";
import { tellCommitted } from "../store/committed.ts";
import type { Database } from "../store/database.ts";
import { appendEvents } from "../store/events.ts";
import { findRuns } from "../store/runs.ts";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import { virtualClock } from "../../test/support/clock.ts";
import { openTestServer, type TestServer } from "../../test/support/http.ts";
import { claimed, emptyTables, uidOf } from "../../test/support/runs.ts";
import { servicesOn, stepType } from "../../test/support/services.ts";
import { enqueueSteps } from "../../test/support/workflows.ts";
import { openTracer, type Tracer } from "./tracer.ts";
import { workOn } from "./worker.ts";

const never = new AbortController().signal;
const secret = "s3cr3t-canary-value";

const attribute = z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional(), intValue: z.number().optional() }),
});
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: z.array(attribute),
  status: z.object({ code: z.number() }),
});
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

describe.each(databases())("tracing on %s", (kind) => {
  let db: Database;
  let collector: TestServer;
  let clock: Clock;
  const tracers: Tracer[] = [];
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await emptyTables(db);
    clock = virtualClock();
    collector = await openTestServer(() => ({ status: 200, body: "{}" }));
  });
  afterEach(async () => {
    await Promise.all(tracers.splice(0).map((it) => it.close()));
    await collector.close();
  });

  const replica = (instance: string) => {
    const options = { serviceName: "innominatus", version: "1.2.3", instance };
    const spans = openOtlp({ ...options, endpoint: `${collector.url}/` });
    const tracer = openTracer(db, spans, clock, { warn: () => undefined });
    tracers.push(tracer);
    return { tracer, db: tellCommitted(db, (events) => tracer.tell(events)) };
  };
  const received = () => {
    const bodies = collector.asked.map((it) => request.parse(JSON.parse(it.body)));
    return bodies
      .flatMap((it) => it.resourceSpans.flatMap((of) => of.scopeSpans))
      .flatMap((it) => it.spans);
  };
  /** As one replica plans it, and another performs it. */
  const story = async (perform: () => Promise<Record<string, string>>) => {
    const uid = uidOf("a");
    await enqueueSteps(db, uid, [{ name: "first", type: "scripted" }]);
    const claim = await claimed(db);
    const [run] = await findRuns(db, claim.run);
    if (run === undefined) throw new Error("no run");
    const [one, two] = [replica("one"), replica("two")];
    const planned = {
      repository: run.repository,
      environment: run.environment,
      commit: run.commit,
      type: "CommitPlanned",
      actor: "ann",
      correlation: run.plan,
    };
    await one.db.transaction((tx) => appendEvents(tx, [planned], 0));
    await one.db.transaction((tx) => appendEvents(tx, [{ ...planned, type: "RunQueued" }], 0));
    await workOn(servicesOn(two.db, { executors: [stepType("scripted", perform)] }), claim, never);
    await Promise.all([one.tracer.close(), two.tracer.close()]);
    return run;
  };

  it("makes one trace of commit, plan, run and step, though two replicas tell of it", async () => {
    const run = await story(async () => ({ password: secret, ok: "yes" }));
    const spans = received();
    expect(spans.map((it) => it.name)).toEqual(["commit", "plan", "run create", "step first"]);
    expect(new Set(spans.map((it) => it.traceId)).size).toBe(1);
    const [commit, plan, whole, step] = spans;
    expect(commit?.parentSpanId ?? "").toBe("");
    expect(plan?.parentSpanId).toBe(commit?.spanId);
    expect(whole?.parentSpanId).toBe(plan?.spanId);
    expect(step?.parentSpanId).toBe(whole?.spanId);
    expect(whole?.attributes).toEqual(
      expect.arrayContaining([
        { key: "innominatus.run", value: { stringValue: run.id } },
        { key: "innominatus.commit", value: { stringValue: run.commit } },
        { key: "innominatus.outcome", value: { stringValue: "succeeded" } },
      ]),
    );
    expect(BigInt(step?.startTimeUnixNano ?? 0)).toBeGreaterThan(0n);
    expect(BigInt(whole?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(
      BigInt(step?.endTimeUnixNano ?? 0),
    );
    expect(collector.asked[0]?.path).toBe("/v1/traces");
  });

  it("marks what failed, and law 7: tells no value", async () => {
    await story(() => Promise.reject(new Error(`refused with ${secret}`)));
    const spans = received();
    const codes = Object.fromEntries(spans.map((it) => [it.name, it.status.code]));
    expect(codes).toMatchObject({ commit: 0, plan: 0 });
    expect(collector.asked.map((it) => it.body).join("\n")).not.toContain(secret);
  });

  it("goes on when the collector is away", async () => {
    await collector.close();
    // The time that sending may take is over at once.
    clock = { ...clock, sleep: () => Promise.resolve() };
    const run = await story(async () => ({}));
    expect(await findRuns(db, run.id)).toMatchObject([{ state: "succeeded" }]);
  });
});

test("without OTEL_EXPORTER_OTLP_ENDPOINT there is no tracer, and no file but one imports the SDK", async () => {
  const opened = servicesOn(noDatabase);
  expect(await tracerOf(opened, {})).toBeUndefined();
  expect(await tracerOf(opened, { OTEL_EXPORTER_OTLP_ENDPOINT: "" })).toBeUndefined();
  const src = join(import.meta.dirname, "..");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (it) => it.endsWith(".ts") && !it.endsWith(".test.ts"),
  );
  const importing = (text: RegExp): string[] =>
    files.filter((it) => text.test(readFileSync(join(src, it), "utf8")));
  expect(importing(/from "@opentelemetry\//)).toEqual(["report/trace/otlp.ts"]);
  expect(importing(/^import (?!type)[^;]*trace\/otlp\.ts"/m)).toEqual([]);
});

const noDatabase: Database = {
  kind: "embedded",
  query: () => Promise.reject(new Error("not asked")),
  transaction: () => Promise.reject(new Error("not asked")),
  listen: () => Promise.reject(new Error("not asked")),
  close: () => Promise.resolve(),
};
