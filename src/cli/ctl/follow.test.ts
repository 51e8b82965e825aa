import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../../model/clock.ts";
import {
  cannedServer,
  runCtl,
  type CannedServer,
  type CtlOptions,
} from "../../../test/support/ctl.ts";

let server: CannedServer | undefined;
afterEach(() => server?.close());

const uid = "postgres.default#shop.db";

/** What `GET /api/resources` says, one entry a call; the last goes on. */
type Story = readonly (Record<string, unknown> | null)[];

const at = (state: string, run: string | null, more: Record<string, unknown> = {}) => ({
  id: "1",
  uid,
  application_name: "shop",
  resource_name: "db",
  resource_type: "postgres",
  environment: "production",
  state,
  gate: null,
  workflow_execution_id: run,
  error_message: null,
  ...more,
});

/** Time passes only while it is slept; `onSleep` is told how often it was. */
function quickClock(onSleep: (times: number) => void = () => undefined): Clock {
  let now = new Date("2026-01-01T00:00:00.000Z").getTime();
  let times = 0;
  return {
    now: () => new Date(now),
    sleep(ms, signal) {
      now += ms;
      times += 1;
      onSleep(times);
      return new Promise((done, failed) =>
        signal.aborted ? failed(signal.reason) : setImmediate(done),
      );
    },
  };
}

async function deploy(
  story: Story,
  operation: string,
  more: {
    readonly words?: readonly string[];
    readonly observed?: string;
    readonly answer?: Record<string, unknown>;
    readonly options?: CtlOptions;
    readonly env?: CtlOptions["env"];
  } = {},
) {
  let calls = 0;
  const answer = {
    name: "shop",
    status: "success",
    environment: "production",
    branch: "main",
    file: "apps/shop/score.yaml",
    commit: "c0ffee0123456789",
    changed: true,
    pull_request: null,
    plan: {
      environment: "production",
      commit: "c0ffee0123456789",
      operations: [
        { uid, operation, workload: "shop", provider: "database-team@1.0.0", gate: null },
        { uid: "other.default#other.x", operation: "create", workload: "other", gate: null },
      ],
    },
    ...more.answer,
  };
  const steps = [
    { step_number: 1, step_name: "role", status: "completed" },
    { step_number: 2, step_name: "database", status: "running" },
    { step_number: 3, step_name: "grant", status: "pending" },
  ];
  server = await cannedServer({
    "GET /api/resources": () => {
      const found = story[Math.min(calls, story.length - 1)];
      calls += 1;
      return { body: found ? [found] : [] };
    },
    "POST /api/specs": { status: 201, body: answer },
    "DELETE /api/specs/shop": { body: answer },
    "GET /api/environments": {
      body: [{ name: "production", observed_commit: more.observed ?? answer.commit }],
    },
    "GET /api/workflows/run-2": { body: { id: "run-2", status: "running", total_steps: 3, steps } },
  });
  return runCtl(more.words ?? ["deploy", "-"], {
    piped: "apiVersion: score.dev/v1b1\nmetadata: { name: shop }\n",
    clock: quickClock(),
    ...more.options,
    env: { INNOMINATUS_API_BASE: server.url, INNOMINATUS_API_TOKEN: "t", ...more.env },
  });
}

const created: Story = [
  null,
  at("requested", null),
  at("provisioning", "run-2"),
  at("active", "run-2"),
];

describe("deploy", () => {
  it("prints what upstream prints, then a line for each thing that happens", async () => {
    const ran = await deploy(created, "create");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout.split("\n")).toEqual([
      "Submitting Score specification: shop",
      "Spec submitted successfully!",
      "Commit c0ffee01 on main: apps/shop/score.yaml",
      `0.0s   create ${uid} requested`,
      `0.3s   create ${uid} step 2/3 database`,
      `0.6s ✓ create ${uid} active`,
      "1 done in 0.6s",
      "",
    ]);
  });

  it("draws anew on a terminal, but not in CI", async () => {
    const live = await deploy(created, "create", { options: { columns: 80 } });
    expect(live.stdout).toContain("\u001b[");
    await server?.close();
    const log = await deploy(created, "create", { options: { columns: 80 }, env: { CI: "true" } });
    expect(log.code).toBe(0);
    expect(log.stdout).not.toContain("\u001b[");
  });

  it("takes no old state for the new one: an update is done when a new run has ended", async () => {
    const story = [at("active", "run-1"), at("active", "run-1"), at("active", "run-2")];
    const ran = await deploy(story, "update");
    expect(ran.code).toBe(0);
    expect(server?.asked.filter((it) => it.path.startsWith("/api/resources"))).toHaveLength(3);
  });

  it("ends with 1 where it fails, with the reason", async () => {
    const failed = at("failed", "run-2", { error_message: "no room on the server" });
    const ran = await deploy([at("failed", "run-1"), at("failed", "run-1"), failed], "create");
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(`✗ create ${uid} failed: no room on the server`);
    expect(ran.stderr).toContain("innominatus-ctl status shop");
  });

  it("ends with 1 where it is held, once the controller has looked at the commit", async () => {
    const held = at("active", "run-1", {
      gate: { kind: "approval", message: "wants an approval" },
    });
    const ran = await deploy([at("active", "run-1"), held], "replace");
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("approval: wants an approval");
    await server?.close();
    const unseen = { observed: "older", words: ["deploy", "-", "--timeout", "2s"] };
    expect(await deploy([at("active", "run-1"), held], "replace", unseen)).toMatchObject({
      code: 3,
    });
  });

  it("ends with 3 where time is up, and says that the server goes on", async () => {
    const ran = await deploy([null, at("provisioning", "run-2")], "create", {
      words: ["deploy", "-", "--timeout", "1s"],
    });
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain("the server goes on with it");
  });

  it("ends at once when it is interrupted", async () => {
    const stop = new AbortController();
    const clock = quickClock((times) => {
      if (times === 2) stop.abort(new Error("stopped"));
    });
    const ran = await deploy([null, at("provisioning", "run-2")], "create", {
      options: { stop: stop.signal, clock },
    });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("only the watching has ended");
  });

  it("does not wait with --no-wait, where nothing is to be done, or before a merge", async () => {
    const quiet = async (more: Parameters<typeof deploy>[2], operation = "create") => {
      await server?.close();
      const { code, stdout } = await deploy([null], operation, more);
      expect(code).toBe(0);
      expect(server?.asked.filter((it) => it.path.startsWith("/api/environments"))).toEqual([]);
      return stdout;
    };
    await quiet({ words: ["deploy", "-", "--no-wait"] });
    expect(await quiet({}, "none")).toContain("Nothing to do");
    const pull = { number: 7, url: "https://forge.example/7" };
    expect(await quiet({ answer: { pull_request: pull } })).toContain("#7");
  });

  it("takes upstream's flags, and refuses what is no spec or no duration", async () => {
    const words = ["deploy", "-", "-w", "--verbose", "--timeout", "10m"];
    const ran = await deploy(created, "create", { words });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`  create ${uid} with database-team@1.0.0`);
    await server?.close();
    const wrong = { words: ["deploy", "-", "--timeout", "soon"] };
    expect(await deploy(created, "create", wrong)).toMatchObject({ code: 2 });
    for (const piped of ["", "a: [", "metadata: { name: 1 }"]) {
      await server?.close();
      expect(await deploy(created, "create", { options: { piped } })).toMatchObject({
        code: 1,
        stdout: "",
      });
    }
  });
});

describe("delete", () => {
  it("is followed until the resource is gone", async () => {
    const story = [at("active", "run-1"), at("terminating", "run-2"), null];
    const ran = await deploy(story, "delete", { words: ["delete", "shop"] });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain(`✓ delete ${uid} deleted`);
  });
});
