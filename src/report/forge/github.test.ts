/** What only GitHub has: Apps, check runs, limits of its own, and its pace. */
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { virtualClock, type VirtualClock } from "../../../test/support/clock.ts";
import { connectAsApp, connectTo } from "../../../test/support/forge/connect.ts";
import { primaryLimit, secondaryLimit, writes } from "../../../test/support/forge/faults.ts";
import { openTestForge, type TestForge } from "../../../test/support/forge/test-forge.ts";
import type { CheckRun, Forge } from "./forge.ts";

const { signal } = new AbortController();
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2_048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const files = { "a.txt": "a\n" };

describe("with a token", () => {
  let world: TestForge;
  let clock: VirtualClock;
  let forge: Forge;
  beforeEach(async () => {
    world = await openTestForge({ kind: "github", files });
    clock = virtualClock();
    forge = connectTo(world, { clock });
  });
  afterEach(() => world.close());

  const setStatus = async () => {
    const commit = (await world.git.tip("main")) ?? "";
    const status = {
      context: "c",
      state: "success",
      description: "",
      targetUrl: undefined,
    } as const;
    return forge.setStatus(commit, status, signal);
  };

  it("there are no check runs", () => {
    expect(forge.checkRuns).toBeUndefined();
  });

  it.each([
    ["a secondary limit", secondaryLimit(90, writes), 90_000],
    ["the hour's limit", primaryLimit(Date.parse("2026-01-01T00:20:00Z"), writes), 1_200_000],
  ])("%s is told with its end", async (_, fault, waitMs) => {
    world.faults.push(fault);
    const retryAtMs = clock.now().getTime() + waitMs;
    await expect(setStatus()).rejects.toMatchObject({
      failure: { kind: "rate-limited", retryAtMs },
    });
    await clock.advance(waitMs);
    await setStatus();
    expect(world.statuses).toHaveLength(1);
  });

  it("the rate that is left can be read, and a 304 costs none of it", async () => {
    expect(forge.budget()).toBeUndefined();
    await forge.listPullRequests(signal);
    const { limit, remaining } = forge.budget() ?? {};
    expect(limit).toBe(5_000);
    await forge.listPullRequests(signal);
    expect(forge.budget()?.remaining).toBe(remaining);
    await setStatus();
    expect(forge.budget()?.remaining).toBe((remaining ?? 0) - 1);
  });
});

describe("as an App", () => {
  let world: TestForge;
  let forge: Forge;
  beforeEach(async () => {
    world = await openTestForge({ kind: "github", files, asApp: true });
    forge = connectAsApp(world, { clock: virtualClock(), privateKey });
  });
  afterEach(() => world.close());

  it("an installation's token is fetched, and its comments are known as ours", async () => {
    await world.push("change", { "a.txt": "b\n" });
    const { number } = await world.open({ title: "Change", branch: "change" });
    const wanted = { number, marker: "<!-- m -->", body: "<!-- m -->", id: undefined };
    expect((await forge.upsertComment(wanted, signal)).outcome).toBe("created");
    expect((await forge.upsertComment(wanted, signal)).outcome).toBe("unchanged");
    const [comment] = (await forge.listComments("2026-01-01T00:00:00Z", signal)).comments;
    expect(comment?.own).toBe(true);
    const tokens = world.requests.filter((it) => it.path.endsWith("/access_tokens"));
    expect(tokens).toHaveLength(1);
  });

  it("a check run is made, brought up to date, and has all of its annotations", async () => {
    const commit = (await world.git.tip("main")) ?? "";
    const check: CheckRun = {
      name: "innominatus/plan",
      conclusion: "failure",
      title: "120 problems",
      summary: "Many",
      annotations: Array.from({ length: 120 }, (_, index) => ({
        file: "apps/shop/score.yaml",
        line: index + 1,
        level: "failure" as const,
        title: "score/unknown",
        message: "unknown field",
      })),
    };
    await forge.checkRuns?.upsert(commit, check, signal);
    expect(world.checkRuns).toHaveLength(1);
    expect(world.checkRuns[0]?.annotations).toHaveLength(120);

    const fine = { ...check, conclusion: "success", title: "Fine", annotations: [] } as const;
    await forge.checkRuns?.upsert(commit, fine, signal);
    await forge.checkRuns?.upsert(commit, fine, signal);
    const [, latest, ...more] = world.checkRuns;
    expect(latest).toMatchObject({ conclusion: "success", title: "Fine", annotations: [] });
    expect(more).toEqual([]);
  });
});
