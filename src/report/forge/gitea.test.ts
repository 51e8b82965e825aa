/** What only Gitea has: what it tells to whom, and listings of what is new. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { virtualClock } from "../../../test/support/clock.ts";
import { connectTo } from "../../../test/support/forge/connect.ts";
import { forbidden } from "../../../test/support/forge/faults.ts";
import { openTestForge, type TestForge } from "../../../test/support/forge/test-forge.ts";
import type { Forge } from "./forge.ts";

const { signal } = new AbortController();
let world: TestForge;
let forge: Forge;
beforeEach(async () => {
  world = await openTestForge({ kind: "gitea", files: { "a.txt": "a\n" } });
  forge = connectTo(world, { clock: virtualClock() });
});
afterEach(() => world.close());

it("nobody may command us where Gitea does not tell what they may", async () => {
  world.faults.push(forbidden("admin"));
  expect(await forge.permissionOf(world.user("dev"), signal)).toBe("none");
  expect(await forge.permissionOf(world.user("dev"), signal)).toBe("write");
});

describe("listings", () => {
  it("ask for what is new, and every so often for all of it", async () => {
    for (let index = 0; index < 60; index += 1) {
      await world.open({ title: `Change ${index}`, branch: "main" });
    }
    const numbers = async () =>
      (await forge.listPullRequests(signal)).pullRequests.map((it) => it.number);
    expect(await numbers()).toHaveLength(60);
    expect(world.requests).toHaveLength(2);

    await world.closePullRequest(3);
    await world.retarget(5, "other");
    world.requests.length = 0;
    const after = await forge.listPullRequests(signal);
    expect(after.changed).toBe(true);
    expect(after.pullRequests).toHaveLength(59);
    expect(after.pullRequests.find((it) => it.number === 5)?.base).toBe("other");
    expect(world.requests).toHaveLength(1);

    // Gone without a trace in what is new.
    world.pullRequests.delete(7);
    for (let index = 0; index < 9; index += 1) await numbers();
    expect(await numbers()).not.toContain(7);
  });

  it("see more changes than a page has", async () => {
    for (let index = 0; index < 120; index += 1) {
      await world.open({ title: `Change ${index}`, branch: "main" });
    }
    await forge.listPullRequests(signal);
    for (let number = 1; number <= 110; number += 1) await world.closePullRequest(number);
    const { pullRequests } = await forge.listPullRequests(signal);
    expect(pullRequests.map((it) => it.number)).toEqual(
      Array.from({ length: 10 }, (_, index) => 111 + index),
    );
  });
});
