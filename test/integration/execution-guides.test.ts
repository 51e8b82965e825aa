/** What docs/execution.md and docs/observability.md show is so: commands, settings, and an event as it is sent. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createProgram } from "../../src/cli/program.ts";
import { eventListing } from "../../src/cli/output/events.ts";
import { workOn } from "../../src/controller/worker.ts";
import { parseFile } from "../../src/document/file.ts";
import { toAuditEvent } from "../../src/model/audit.ts";
import { waitReasons } from "../../src/model/wait.ts";
import { parseDuration } from "../../src/provider/duration.ts";
import { readWorkflow } from "../../src/provider/workflow.ts";
import { loadSettings } from "../../src/settings/load.ts";
import type { Database } from "../../src/store/database.ts";
import { listEvents } from "../../src/store/events.ts";
import { fakeTerminal } from "../support/cli.ts";
import { openTestDatabase } from "../support/database.ts";
import { blocksIn } from "../support/guide.ts";
import { claimed, testScope, uidOf } from "../support/runs.ts";
import { servicesOn } from "../support/services.ts";
import { runningClock } from "../support/step.ts";
import { enqueueSteps } from "../support/workflows.ts";

const textOf = (guide: string): string => readFileSync(join("docs", guide), "utf8");
const [execution, observability] = [textOf("execution.md"), textOf("observability.md")];

const stdout = fakeTerminal(undefined);
const context = {
  env: {},
  cwd: ".",
  stdout,
  stderr: stdout,
  clock: runningClock,
  random: () => 0.5,
  stop: new AbortController().signal,
};
const program = createProgram(context, () => undefined);

describe("the commands that the guides name", () => {
  const named = [
    ...`${execution}${observability}`.matchAll(/(?<=[`$ ])innominatus ([a-z]+)([^`\n]*)/g),
  ];
  it.each(named.map(([whole, name = "", rest = ""]) => [whole, name, rest] as const))(
    "%s is one, with these options",
    (_, name, rest) => {
      const command = program.commands.find((it) => it.name() === name);
      const known = command?.options.flatMap((it) => [it.short, it.long]);
      const options = [...rest.matchAll(/(?<= )--?[a-z]+/g)].map(([it]) => it);
      expect({ name, unknown: options.filter((it) => known?.includes(it) !== true) }).toEqual({
        name: command?.name(),
        unknown: [],
      });
    },
  );

  it("has options of `events` in its table that there are, and all of its own", () => {
    const [, table = ""] = observability.split(/^\| option .*\n\|[ |-]*\n/m);
    const [rows = ""] = table.split("\n\n");
    const listed = rows
      .split("\n")
      .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/--?[a-z]+/g)].map(([it]) => it));
    const known = program.commands.find((it) => it.name() === "events")?.options ?? [];
    const names = known.flatMap((it) => [it.short, it.long]);
    expect(listed.filter((it) => !names.includes(it))).toEqual([]);
    for (const it of ["--type", "--run", "--since", "--undelivered", "--resend", "-f"]) {
      expect(listed).toContain(it);
    }
  });

  it("lists events in the columns that are shown", () => {
    const shown = observability.split("\n").find((it) => it.startsWith("TIME "));
    const titles = eventListing.columns.map((it) => it.title.toUpperCase());
    expect(shown?.split(/ {2,}/)).toEqual(titles);
  });
});

describe("the settings that the guides name", () => {
  const { settings } = loadSettings({ env: {}, flags: {}, cwd: "/nowhere" });
  const minute = 60_000;
  it.each<[string, string, unknown, number]>([
    ["`cooldown.targets` (5 m)", "5m", settings?.cooldown.targetsMs, 5 * minute],
    ["`cooldown.resources` (0 s)", "0s", settings?.cooldown.resourcesMs, 0],
    ["`workers.runTimeout` (24 h)", "24h", settings?.runTimeoutMs, 1_440 * minute],
  ])("%s has this default", (words, duration, value, ms) => {
    expect(execution).toContain(words);
    expect([value, parseDuration(duration)]).toEqual([ms, ms]);
  });

  it("counts: runs of a provider, failures in a row, and the minutes between them", () => {
    expect(execution).toContain("`workers.perProvider` (4)");
    expect(execution).toContain("after 1, 2, 4, 8 minutes (`retry.run`)");
    expect(execution).toContain("After five failures in a row");
    expect(settings).toMatchObject({
      workersPerProvider: 4,
      runRetry: { baseMs: minute, stallAfter: 5 },
    });
  });

  it("90 days of audit, by default", () => {
    expect(observability).toContain("for 90 days (`audit.retention`)");
    expect(settings?.auditRetentionMs).toBe(90 * 1_440 * minute);
  });

  it("lists what a run waits for in its order", () => {
    const [, listed = ""] = execution.split("They are, in this order:");
    const [sentence = ""] = listed.split(". A run's");
    expect([...sentence.matchAll(/`(\w+)`/g)].map(([, it]) => it)).toEqual(waitReasons);
  });
});

describe("the parts of files that the guides show", () => {
  it("a target is one that a workflow may have", () => {
    const [block] = blocksIn(execution).filter((it) => it.language === "yaml");
    const written = `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: a }
${block?.text ?? ""}parameters:
  - { name: namespace, type: string }
  - { name: app_name, type: string }
steps:
  - { name: make, type: http, config: { url: "https://example.com" } }
`;
    const [document] = parseFile("workflow.yaml", written).documents;
    if (document === undefined) throw new Error("no document");
    const read = readWorkflow(document, written, "a", false);
    expect(read.problems).toEqual([]);
    expect(JSON.stringify(read)).toContain("/deployment/");
  });

  it("settings of the audit sink load without a problem", () => {
    const [block] = blocksIn(observability).filter((it) => it.language === "yaml");
    expect(block?.text).toMatch(/^audit:\n {2}url: /);
    const { audit } = z
      .object({ audit: z.record(z.string(), z.json()) })
      .parse(parseYaml(block?.text ?? ""));
    expect(Object.keys(audit)).toEqual(["url", "tokenEnv", "interval"]);
  });
});

const parseYaml = (text: string): unknown => parseFile("audit.yaml", text).documents[0]?.value;

describe("an event as it is sent", () => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase("postgres");
  }, 60_000);
  afterAll(() => db.close());

  it("has the keys that are shown, of a run that failed", async () => {
    const uid = uidOf("a");
    const config = { script: "exit 1" };
    await enqueueSteps(db, uid, [{ name: "role", type: "policy", config, retries: 0 }]);
    await workOn(servicesOn(db), await claimed(db), new AbortController().signal);
    const [failed] = await listEvents(db, testScope, { types: ["RunFailed"], limit: 1 });
    if (failed === undefined) throw new Error("nothing has failed");
    const record = z.record(z.string(), z.json());
    const sent = toAuditEvent({ ...failed, version: "1.0.0" });
    const [block] = blocksIn(observability).filter((it) => it.language === "json");
    const shown = record.parse(JSON.parse(block?.text ?? "{}"));
    expect(Object.keys(shown)).toEqual(Object.keys(sent));
    const data = record.parse(shown["event_data"]);
    expect(Object.keys(data)).toEqual(Object.keys(sent.event_data));
    for (const part of ["failure", "details"]) {
      const keys = (it: unknown): readonly string[] => Object.keys(record.parse(it));
      expect(keys(data[part])).toEqual(keys(sent.event_data[part]));
    }
    expect(record.parse(data["failure"])["reason"]).toBe(
      record.parse(sent.event_data["failure"])["reason"],
    );
  });
});
