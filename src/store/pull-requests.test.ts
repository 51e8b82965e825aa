import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  advanceStoreTime,
  databases,
  openTestDatabase,
  setStoreTime,
} from "../../test/support/database.ts";
import { emptyTables, testScope } from "../../test/support/runs.ts";
import type { Database } from "./database.ts";
import { registerRepository } from "./environments.ts";
import { claimPoll, releasePoll, renewPoll, saveCommentsSince } from "./forge-polls.ts";
import { saveReacted, takeCommand, unansweredCommands } from "./pull-request-commands.ts";
import {
  forgetComments,
  livePullRequests,
  pullRequestMergedAs,
  readPullRequest,
  saveComment,
  savePullRequests,
  saveUndone,
  settlePullRequest,
  type PullRequestFacts,
} from "./pull-requests.ts";

const { repository } = testScope;
const facts = (more: Partial<PullRequestFacts> = {}): PullRequestFacts => ({
  number: 1,
  state: "open",
  title: "Ask",
  author: "dev",
  base: "main",
  head: "a".repeat(40),
  headBranch: "topic",
  fork: false,
  mergeCommit: null,
  url: "https://forge.example/1",
  ...more,
});
const merged = facts({ state: "merged", mergeCommit: "b".repeat(40) });

describe.each(databases())("pull requests on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  }, 60_000);
  afterAll(() => db.close());
  afterEach(async () => {
    await setStoreTime(db, undefined);
    await db.query("delete from pull_request_commands");
    await db.query("delete from pull_requests");
    await db.query("delete from forge_polls");
    await emptyTables(db);
  });
  const save = async (...all: readonly PullRequestFacts[]): Promise<void> => {
    await registerRepository(db, repository, "https://forge.example/a.git");
    await savePullRequests(db, repository, all);
  };
  const numbers = async () => (await livePullRequests(db, repository)).map((it) => it.number);
  const publish = (body: string) =>
    saveComment(db, repository, 1, { comment: 9_007_199_254, body, stage: "open" });

  it("lets no late listing take a merge back", async () => {
    await save(merged);
    await save(facts());
    expect(await readPullRequest(db, repository, 1)).toMatchObject({ state: "merged" });
    expect(await pullRequestMergedAs(db, repository, "b".repeat(40))).toMatchObject({ number: 1 });
  });

  it("leaves out what is settled, until it changes or its comment is lost", async () => {
    await save(facts({ state: "closed" }), facts({ number: 2 }));
    await publish("closed");
    const before = await readPullRequest(db, repository, 1);
    await settlePullRequest(db, repository, { number: 1, state: "open", body: "closed" });
    await settlePullRequest(db, repository, { number: 1, state: "closed", body: "else" });
    expect(await numbers()).toEqual([1, 2]);
    await settlePullRequest(db, repository, { number: 1, state: "closed", body: "closed" });
    expect(await numbers()).toEqual([2]);
    await forgetComments(db, repository, undefined);
    expect(await numbers()).toEqual([2]);
    await forgetComments(db, repository, [1]);
    expect(await numbers()).toEqual([1, 2]);
    expect(await readPullRequest(db, repository, 1)).toMatchObject({
      comment: before?.comment,
      body: null,
    });
    await save(facts());
    expect(await numbers()).toEqual([1, 2]);
  });

  it("keeps who undid it first", async () => {
    await save(merged);
    await saveUndone(db, repository, 1, { number: 7, commit: "c" });
    await saveUndone(db, repository, 1, { number: 8, commit: "d" });
    const undoneBy = { number: 7, commit: "c" };
    expect(await readPullRequest(db, repository, 1)).toMatchObject({ undoneBy });
  });

  it("takes a command once, and has it answered until it is", async () => {
    await save(facts());
    const command = { comment: 41, number: 1, outcome: "Approved", reaction: "+1" };
    expect(await takeCommand(db, repository, command)).toBe(true);
    expect(await takeCommand(db, repository, { ...command, outcome: "Else" })).toBe(false);
    expect(await unansweredCommands(db, repository)).toEqual([command]);
    await saveReacted(db, repository, 41);
    expect(await unansweredCommands(db, repository)).toEqual([]);
  });

  it("law 6: lets one replica ask at a time, and another once its lease is over", async () => {
    await save();
    await setStoreTime(db, new Date("2026-01-01T00:00:00Z"));
    expect(await claimPoll(db, repository, "a", 60_000)).toEqual({
      commentsSince: null,
      branches: {},
    });
    expect(await claimPoll(db, repository, "b", 60_000)).toBeUndefined();
    await advanceStoreTime(db, 60_000);
    expect(await renewPoll(db, repository, "a", 60_000)).toBe(false);
    expect(await claimPoll(db, repository, "b", 60_000)).toBeDefined();
    await releasePoll(db, repository, "a");
    expect(await claimPoll(db, repository, "a", 60_000)).toBeUndefined();
    await releasePoll(db, repository, "b");
    expect(await claimPoll(db, repository, "a", 60_000)).toBeDefined();
  });

  it("never goes back in the comments", async () => {
    await save();
    await claimPoll(db, repository, "a", 60_000);
    await saveCommentsSince(db, repository, "2026-01-02T00:00:00Z");
    await saveCommentsSince(db, repository, "2026-01-01T00:00:00Z");
    expect(await claimPoll(db, repository, "a", 60_000)).toMatchObject({
      commentsSince: "2026-01-02T00:00:00.000Z",
    });
  });
});
