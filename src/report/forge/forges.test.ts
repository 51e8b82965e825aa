/** The cases that every forge must pass, on a test forge of its kind: real HTTP, real git. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { virtualClock, type VirtualClock } from "../../../test/support/clock.ts";
import {
  creations,
  dropped,
  forbidden,
  tooMany,
  trouble,
  writes,
} from "../../../test/support/forge/faults.ts";
import { mergeMethods } from "../../../test/support/forge/merge.ts";
import { connectTo } from "../../../test/support/forge/connect.ts";
import { openTestForge, type TestForge } from "../../../test/support/forge/test-forge.ts";
import type { Forge, ForgeKind } from "./forge.ts";
import { ForgeError } from "./forge-error.ts";

const { signal } = new AbortController();
const marker = "<!-- innominatus:plan -->";
const kinds: readonly ForgeKind[] = ["github", "gitea", "gitlab"];

describe.each(kinds)("a forge of kind %s", (kind) => {
  let world: TestForge;
  let clock: VirtualClock;
  let forge: Forge;

  beforeEach(async () => {
    world = await openTestForge({ kind, files: { "apps/shop/score.yaml": "shop\n" } });
    clock = virtualClock();
    forge = connectTo(world, { clock });
  });
  afterEach(() => world.close());

  const openOne = async (branch = "add-cart") => {
    await world.push(branch, { [`apps/${branch}/score.yaml`]: "cart\n" });
    return world.open({ title: "Add a cart", branch });
  };
  const failureOf = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (it: unknown) => it,
    );
    return error instanceof ForgeError ? error.failure : error;
  };
  const upsert = (number: number, body: string, id?: number) =>
    forge.upsertComment({ number, marker, body: `${marker}\n${body}`, id }, signal);
  const bodiesOf = (number: number) => world.commentsOf(number).map((it) => it.body);

  it("lists open pull requests, and says when nothing changed", async () => {
    const { number } = await openOne();
    const first = await forge.listPullRequests(signal);
    expect(first.changed).toBe(true);
    expect(first.pullRequests).toEqual([
      {
        number,
        title: "Add a cart",
        state: "open",
        draft: false,
        author: { id: world.user("dev").id, login: "dev" },
        head: {
          commit: await world.git.tip("refs/heads/add-cart"),
          branch: "add-cart",
          fork: false,
        },
        base: "main",
        mergeCommit: undefined,
        updatedAt: world.pullRequests.get(number)?.updatedAt,
        url: forge.links.pullRequest(number),
      },
    ]);
    const second = await forge.listPullRequests(signal);
    expect(second).toEqual({ changed: false, pullRequests: first.pullRequests });

    const pushed = await world.push("add-cart", { "apps/add-cart/score.yaml": "more\n" });
    const third = await forge.listPullRequests(signal);
    expect(third.changed).toBe(true);
    expect(third.pullRequests[0]?.head.commit).toBe(pushed);

    await world.closePullRequest(number);
    expect(await forge.listPullRequests(signal)).toEqual({ changed: true, pullRequests: [] });
  });

  it("polls 200 open pull requests with at most 3 requests when nothing changed", async () => {
    for (let index = 0; index < 200; index += 1) {
      await world.open({ title: `Change ${index}`, branch: "main" });
    }
    const since = world.now();
    const { pullRequests } = await forge.listPullRequests(signal);
    expect(pullRequests.map((it) => it.number)).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    await forge.listComments(since, signal);
    world.requests.length = 0;
    expect((await forge.listPullRequests(signal)).changed).toBe(false);
    expect((await forge.listComments(since, signal)).comments).toEqual([]);
    expect(world.requests.length).toBeLessThanOrEqual(3);
    // Gitea answers no conditional request.
    const statuses = new Set(world.requests.map((it) => it.status));
    expect([...statuses]).toEqual([kind === "gitea" ? 200 : 304]);
  });

  it("says that a pull request from a fork is one, and where its head is to be fetched", async () => {
    const { number } = await world.openFromFork("stranger", { "x.yaml": "x\n" }, "Look at this");
    const found = await forge.readPullRequest(number, signal);
    expect(found?.head.fork).toBe(true);
    expect(found?.author.login).toBe("stranger");
    expect(await world.git.tip(forge.headRef(number))).toBe(found?.head.commit);
    const pattern = forge.headRefs.replace("*", String(number));
    expect(pattern).toBe(forge.headRef(number));
  });

  it("knows no pull request where there is none", async () => {
    expect(await forge.readPullRequest(404, signal)).toBeUndefined();
    expect(await forge.pullRequestsOf("0".repeat(40), signal)).toEqual([]);
  });

  it.each(mergeMethods)("finds the pull request of a commit after a %s", async (method) => {
    const { number } = await openOne();
    await world.push("main", { "other.txt": "meanwhile\n" });
    const commit = await world.merge(number, method);
    expect(await world.git.tip("main")).toBe(commit);
    const found = await forge.readPullRequest(number, signal);
    expect(found).toMatchObject({ number, state: "merged", mergeCommit: commit });
    const [of] = await forge.pullRequestsOf(commit, signal);
    expect(of).toMatchObject({ number, state: "merged", mergeCommit: commit });
    expect((await forge.listPullRequests(signal)).pullRequests).toEqual([]);

    const revert = await world.revert(number);
    await world.merge(revert.number, method);
    expect(await world.git.readFile("main", "apps/add-cart/score.yaml")).toBeUndefined();
    expect(await world.git.readFile("main", "other.txt")).toBe("meanwhile\n");
  });

  it("opens a pull request once", async () => {
    await world.push("onboard", { ".innominatus.yaml": "kind: Repository\n" });
    const asked = { head: "onboard", base: "main", title: "Onboard", body: "Hello" };
    const first = await forge.openPullRequest(asked, signal);
    expect(first).toMatchObject({ title: "Onboard", state: "open", base: "main" });
    expect(await forge.openPullRequest(asked, signal)).toMatchObject({ number: first.number });
    expect(world.pullRequests.size).toBe(1);
    expect(
      await failureOf(forge.openPullRequest({ ...asked, head: "gone" }, signal)),
    ).toBeDefined();
  });

  describe("the comment", () => {
    it("is made once, and edited in place", async () => {
      const { number } = await openOne();
      const made = await upsert(number, "first");
      expect(made.outcome).toBe("created");
      expect(made.url).toContain(forge.links.pullRequest(number));
      expect(await upsert(number, "second", made.id)).toMatchObject({
        id: made.id,
        outcome: "edited",
      });
      expect(await upsert(number, "third")).toMatchObject({ id: made.id, outcome: "edited" });
      expect(await upsert(number, "third")).toMatchObject({ id: made.id, outcome: "unchanged" });
      expect(bodiesOf(number)).toEqual([`${marker}\nthird`]);
    });

    it("is made again where a person deleted it", async () => {
      const { number } = await openOne();
      const first = await upsert(number, "first");
      world.deleteComment(first.id);
      const again = await upsert(number, "second", first.id);
      expect(again.outcome).toBe("created");
      expect(again.id).not.toBe(first.id);
      expect(bodiesOf(number)).toEqual([`${marker}\nsecond`]);
    });

    it("is brought back to what it was where somebody edited it", async () => {
      const { number } = await openOne();
      const { id } = await upsert(number, "ours");
      world.editComment(id, "theirs, without the marker");
      expect((await upsert(number, "ours", id)).outcome).toBe("edited");
      expect(bodiesOf(number)).toEqual([`${marker}\nours`]);
    });

    it("is never somebody else's, though it has the marker", async () => {
      const { number } = await openOne();
      const theirs = world.comment(number, "dev", `> ${marker}\nI quote you`);
      const ours = await upsert(number, "ours");
      expect(ours.id).not.toBe(theirs.id);
      await upsert(number, "ours again");
      expect(bodiesOf(number)).toEqual([theirs.body, `${marker}\nours again`]);
    });

    it("is one again after an answer was lost, though there were two", async () => {
      const { number } = await openOne();
      world.faults.push(dropped("after", creations));
      expect(await failureOf(upsert(number, "first"))).toEqual({ kind: "unavailable" });
      expect(bodiesOf(number)).toHaveLength(1);
      world.comment(number, world.self.login, `${marker}\ntwice`);
      const kept = world.commentsOf(number)[0]?.id;
      expect(await upsert(number, "second")).toMatchObject({ id: kept });
      expect(bodiesOf(number)).toEqual([`${marker}\nsecond`]);
    });

    it("is found behind more comments than one page has", async () => {
      const { number } = await openOne();
      for (let index = 0; index < 120; index += 1) world.comment(number, "dev", `talk ${index}`);
      const made = await upsert(number, "ours");
      expect(await upsert(number, "ours")).toMatchObject({ id: made.id, outcome: "unchanged" });
    });

    it("lives as long as the forge's trouble does not", async () => {
      const { number } = await openOne();
      world.faults.push(trouble(502), trouble(503));
      const { id } = await upsert(number, "first");
      world.faults.push(dropped("before", writes));
      expect((await upsert(number, "second", id)).outcome).toBe("edited");
      expect(bodiesOf(number)).toEqual([`${marker}\nsecond`]);
    });
  });

  it("lists comments since a time, oldest first, and tells ours from others'", async () => {
    const { number } = await openOne();
    world.comment(number, "dev", "before");
    await world.push("main", { "tick.txt": "1\n" });
    const since = world.now();
    await world.push("main", { "tick.txt": "2\n" });
    const command = world.comment(number, "dev", "/innominatus plan");
    await upsert(number, "ours");
    const { comments, changed } = await forge.listComments(since, signal);
    expect(changed).toBe(true);
    expect(comments.map((it) => [it.number, it.body, it.own])).toEqual([
      [number, "/innominatus plan", false],
      [number, `${marker}\nours`, true],
    ]);
    expect(comments[0]).toMatchObject({
      id: command.id,
      author: { login: "dev", id: world.user("dev").id },
      createdAt: command.createdAt,
    });
  });

  it("reacts to a comment, twice as well as once", async () => {
    const { number } = await openOne();
    const comment = world.comment(number, "dev", "/innominatus plan");
    await forge.addReaction({ id: comment.id, number }, "eyes", signal);
    await forge.addReaction({ id: comment.id, number }, "eyes", signal);
    expect(comment.reactions.map((it) => it.content)).toEqual(["eyes"]);
    await forge.addReaction({ id: comment.id, number }, "+1", signal);
    expect(comment.reactions).toHaveLength(2);
  });

  it.each([
    ["admin", "admin"],
    ["dev", "write"],
    ["reader", "read"],
    ["stranger", "none"],
  ])("says what %s may: %s", async (login, permission) => {
    const { id } = world.user(login);
    expect(await forge.permissionOf({ id, login }, signal)).toBe(permission);
  });

  it("says that somebody unknown may nothing", async () => {
    expect(await forge.permissionOf({ id: 9_999, login: "nobody" }, signal)).toBe("none");
  });

  it("sets commit statuses, the same one twice too", async () => {
    const { headCommit } = await openOne();
    const status = { context: "innominatus/plan", description: "…".repeat(300) } as const;
    const targetUrl = forge.links.commit(headCommit);
    for (const state of ["pending", "pending", "success", "failure", "failure"] as const) {
      await forge.setStatus(headCommit, { ...status, state, targetUrl }, signal);
    }
    const found = world.statusesOf(headCommit).get("innominatus/plan");
    expect(found?.state).toBe(kind === "gitlab" ? "failed" : "failure");
    expect(found?.targetUrl).toBe(targetUrl);
    expect(found?.description.length).toBeLessThanOrEqual(255);
  });

  it("comments on a commit once, where there are such comments", async () => {
    const commit = await world.push("main", { "a.txt": "a\n" });
    const { commitComments } = forge;
    expect(commitComments === undefined).toBe(kind === "gitea");
    const outcomes = [];
    for (const body of commitComments === undefined ? [] : ["first", "second", "second"]) {
      const wanted = { commit, marker, body: `${marker}\n${body}` };
      outcomes.push((await commitComments?.upsert(wanted, signal))?.outcome);
    }
    const some = kind !== "gitea";
    expect(outcomes).toEqual(some ? ["created", "edited", "unchanged"] : []);
    const bodies = [...world.comments.values()].map((it) => it.body);
    expect(bodies).toEqual(some ? [`${marker}\nsecond`] : []);
  });

  it("waits out a rate limit without asking, and lets whoever asks know until when", async () => {
    const { number } = await openOne();
    world.faults.push(tooMany(30));
    const retryAtMs = clock.now().getTime() + 30_000;
    expect(await failureOf(forge.listPullRequests(signal))).toEqual({
      kind: "rate-limited",
      retryAtMs,
    });
    const asked = world.requests.length;
    expect(await failureOf(upsert(number, "x"))).toEqual({ kind: "rate-limited", retryAtMs });
    expect(world.requests).toHaveLength(asked);
    await clock.advance(30_000);
    expect((await forge.listPullRequests(signal)).pullRequests).toHaveLength(1);
  });

  it("says that the forge is away", async () => {
    world.away = true;
    expect(await failureOf(forge.listPullRequests(signal))).toEqual({ kind: "unavailable" });
    world.away = false;
    expect((await forge.listPullRequests(signal)).pullRequests).toEqual([]);
  });

  it("says that the credentials are refused, and never what they are", async () => {
    const wrong = connectTo(world, { clock, token: "wr0ng-t0ken" });
    const error = await wrong.listPullRequests(signal).catch((it: unknown) => it);
    expect(error).toMatchObject({ failure: { kind: "unauthorized" } });
    expect(String(error)).not.toContain("wr0ng-t0ken");
  });

  it("says which permission is missing", async () => {
    world.faults.push(forbidden("statuses=write", writes));
    const { headCommit } = await openOne();
    const status = {
      context: "c",
      state: "success",
      description: "",
      targetUrl: undefined,
    } as const;
    expect(await failureOf(forge.setStatus(headCommit, status, signal))).toEqual({
      kind: "forbidden",
      permission: "statuses=write",
    });
  });

  it("stops when told to", async () => {
    const stopped = AbortSignal.abort(new Error("stop"));
    await expect(forge.listPullRequests(stopped)).rejects.toThrow("stop");
    expect(world.requests).toEqual([]);
  });
});
