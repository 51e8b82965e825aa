/** The command line on each store: exit codes, and the JSON that scripts rely on (DESIGN.md §10). */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Database } from "../../src/store/database.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { runCli, type Ran } from "../support/cli.ts";
import { createTestFolder, createTestPostgres } from "../support/database.ts";
import { createOrigin, type Files, type Origin } from "../support/repository.ts";
import { statusBranch } from "../support/platform.ts";
import { apps, settings, spec, specPath, thingsProvider } from "./things.ts";

interface Shell {
  readonly origin: Origin;
  readonly root: string;
  readonly dataDir: string;
  run(...words: readonly string[]): Promise<Ran>;
  json(...words: readonly string[]): Promise<unknown>;
  /** Resolves once so many scripts have begun. */
  begun(count: number): Promise<void>;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function openShell(kind: Database["kind"], files: Files = {}): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-cli-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const [root, dataDir] = [join(folder, "root"), join(folder, "data")];
  for (const it of ["things", "hold", "fail"]) await mkdir(join(root, it), { recursive: true });
  await mkdir(dataDir);
  const origin = await createOrigin({ ...thingsProvider(root), ...files });
  closing.push(() => origin.close());
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    USER: "tester",
    INNOMINATUS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
  };
  if (kind === "postgres") {
    const { url, remove } = await createTestPostgres();
    closing.push(remove);
    env["DATABASE_URL"] = url;
  } else {
    const { directory } = await createTestFolder();
    await rename(directory, join(dataDir, "database"));
  }
  const run = ([command = "", ...words]: readonly string[]): Promise<Ran> =>
    runCli([command, "--repo", origin.url, "--data-dir", dataDir, ...words], { cwd: folder, env });
  const effects = (): Promise<string> => readFile(join(root, "effects"), "utf8").catch(() => "");
  return {
    origin,
    root,
    dataDir,
    async begun(count) {
      while ((await effects()).split("begins").length <= count) await sleep(20);
    },
    run: (...words) => run(words),
    async json(...words) {
      const { stdout, stderr } = await run([...words, "-o", "json"]);
      expect(stderr).toBe("");
      return z.unknown().parse(JSON.parse(stdout));
    },
  };
}

const gate = z.strictObject({
  kind: z.string(),
  message: z.string(),
  until: z.string().nullable(),
});
const planShape = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  base: z.string().nullable(),
  environment: z.string(),
  operations: z.array(
    z.strictObject({
      uid: z.string(),
      operation: z.enum(["create", "update", "delete", "replace", "adopt", "none"]),
      workload: z.string(),
      provider: z.string(),
      workflow: z.string().nullable(),
      reason: z.string(),
      changes: z.array(z.strictObject({ path: z.string(), from: z.unknown(), to: z.unknown() })),
      dependsOn: z.array(z.string()),
      gate: gate.nullable(),
    }),
  ),
  summary: z.strictObject({
    create: z.number(),
    update: z.number(),
    delete: z.number(),
    replace: z.number(),
    none: z.number(),
    held: z.number(),
  }),
  problems: z.array(z.unknown()),
});
const listed = z.array(z.looseObject({ uid: z.string(), phase: z.string() }));
const runList = z.array(
  z.looseObject({ id: z.string(), operation: z.string(), state: z.string() }),
);

describe("on PostgreSQL", () => {
  const kind = "postgres";

  it("takes a spec from plan to active, through its listings, and back", async () => {
    const shell = await openShell(kind, apps("shop"));
    const plan = planShape.parse(await shell.json("plan"));
    expect(plan.operations).toMatchObject([
      { uid: "thing.default#shop.it", operation: "create", provider: "things-team@1.0.0" },
    ]);
    expect(plan.summary).toEqual({ create: 1, update: 0, delete: 0, replace: 0, none: 0, held: 0 });
    expect(await shell.run("plan", "--detailed-exitcode")).toMatchObject({ code: 2 });
    expect(await shell.run("plan")).toMatchObject({ code: 0 });

    const synced = await shell.run("sync");
    expect(synced).toMatchObject({ code: 0, stderr: "" });
    expect(synced.stdout).toContain("thing.default#shop.it");
    expect(synced.stdout).toContain("settled");
    expect(await shell.run("plan", "--detailed-exitcode")).toMatchObject({ code: 0 });
    expect(await shell.origin.readFile(statusBranch, "default/shop.yaml")).toContain("active");

    const resources = listed.parse(await shell.json("resources"));
    expect(resources).toMatchObject([{ uid: "thing.default#shop.it", phase: "active" }]);
    const [run] = runList.parse(await shell.json("runs", "shop.it"));
    expect(run).toMatchObject({ operation: "create", state: "succeeded" });
    expect(await shell.json("status")).toMatchObject([{ environment: "default", active: 1 }]);
    expect(await shell.json("why", "shop.it")).toMatchObject({
      phase: "active",
      decided: { operation: "create", reason: "Added" },
    });
    const logs = await shell.run("logs", run?.id.slice(-12) ?? "");
    expect(logs).toMatchObject({ code: 0, stderr: "" });
    expect(logs.stdout).toContain("shop.it.example");

    await shell.origin.remove([specPath("shop")]);
    expect(await shell.json("sync")).toMatchObject({
      outcome: "settled",
      environments: [{ environment: "default", stalled: null }],
    });
    expect(await shell.json("resources")).toEqual([]);
    expect(listed.parse(await shell.json("resources", "--all"))).toMatchObject([
      { uid: "thing.default#shop.it", phase: "deleted" },
    ]);
    expect(await shell.origin.readFile(statusBranch, "default/shop.yaml")).toBeUndefined();
  });

  it("exits 1 for what is held, until its plan is approved by its own hash", async () => {
    const shell = await openShell(kind, {
      ".innominatus.yaml": settings({ approval: "always" }),
      ...apps("shop"),
    });
    await shell.run("sync");
    await shell.origin.remove([specPath("shop")]);
    const held = await shell.run("sync");
    expect(held.code).toBe(1);
    const { hash } = planShape.parse(await shell.json("plan"));
    expect(held.stdout).toContain(`innominatus approve ${hash}`);
    expect(await shell.run("plan", "--detailed-exitcode")).toMatchObject({ code: 2 });
    expect((await shell.run("why", "shop.it")).stdout).toContain(`innominatus approve ${hash}`);

    const wrong = await shell.run("approve", "0".repeat(64));
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("is not the current plan");
    expect(wrong.stderr).toContain(hash);
    await shell.origin.commit(apps("blog"));
    await shell.run("sync");
    expect(await shell.run("approve", hash)).toMatchObject({ code: 1, stdout: "" });

    const { hash: current } = planShape.parse(await shell.json("plan"));
    expect(await shell.run("approve", current.slice(0, 12))).toMatchObject({ code: 0 });
    expect(await shell.run("sync")).toMatchObject({ code: 0 });
    expect(listed.parse(await shell.json("resources"))).toMatchObject([{ phase: "active" }]);
  });

  it("exits 1 for what failed and for problems, 2 for wrong usage, 3 when time is up", async () => {
    const shell = await openShell(kind, {
      [specPath("shop")]: spec("shop", {
        db: {},
        late: { params: { peer: "${resources.db.host}" } },
      }),
    });
    await writeFile(join(shell.root, "fail/create-shop.db"), "");
    const failed = await shell.run("sync");
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain("shop.db cannot be created");
    await rm(join(shell.root, "fail/create-shop.db"));

    await writeFile(join(shell.root, "hold/create-shop.db"), "");
    const late = shell.run("sync", "--timeout", "1s");
    // It waits for the step in hand, and that one for us: long enough for the second to have passed.
    await shell.begun(2);
    await sleep(2_000);
    await rm(join(shell.root, "hold/create-shop.db"));
    expect(await late).toMatchObject({ code: 3 });
    expect(await shell.run("sync")).toMatchObject({ code: 0 });

    await shell.origin.commit({ [specPath("bad")]: "apiVersion: score.dev/v1b1\n" });
    expect(await shell.run("plan", "--detailed-exitcode")).toMatchObject({ code: 1 });
    expect(await shell.run("sync")).toMatchObject({ code: 1 });
    expect(await shell.run("sync", "--no-such-option")).toMatchObject({ code: 2 });
    expect((await shell.run("sync", "--timeout", "soon")).stderr).toContain("is no duration");
    const unknown = await shell.run("why", "no-such");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('there is no resource "no-such"');
  });

  it("plans a branch from another as if that were applied", async () => {
    const shell = await openShell(kind, apps("shop"));
    await shell.origin.branch("feature");
    await shell.origin.commit(apps("blog"), "Add", { branch: "feature" });
    const flags = ["plan", "--ref", "feature", "--base", "main"];
    const { summary } = planShape.parse(await shell.json(...flags));
    expect(summary).toMatchObject({ create: 1, none: 1 });
    expect(await shell.json("resources", "--all")).toEqual([]);
  });
});

describe("on the embedded store", () => {
  it("goes on with what the last process left, and is refused while another has it", async () => {
    const shell = await openShell("embedded", apps("shop"));
    expect(await shell.run("sync")).toMatchObject({ code: 0, stderr: "" });
    await shell.origin.remove([specPath("shop")]);
    const other = await openEmbedded(join(shell.dataDir, "database"));
    const refused = await shell.run("sync");
    await other.close();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("in use by process");

    expect(await shell.run("sync")).toMatchObject({ code: 0 });
    expect(listed.parse(await shell.json("resources", "--all"))).toMatchObject([
      { uid: "thing.default#shop.it", phase: "deleted" },
    ]);
  });
});
