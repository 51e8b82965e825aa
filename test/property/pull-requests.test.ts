/** Whatever the order, duplication and loss of events: each pull request ends with one comment, in its final state. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { killedAt } from "../e2e/pull-requests/killed.ts";
import { openScene, type Scene } from "../e2e/pull-requests/scene.ts";
import { spec, specPath } from "../e2e/things.ts";
import { openTestDatabase } from "../support/database.ts";

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
}, 60_000);
afterAll(() => db.close());

const app = fc.constantFrom("shop", "blog", "news");
const event = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("open" as const), app }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("push" as const), app, size: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("merge" as const),
      app,
      method: fc.constantFrom("merge" as const, "squash" as const, "rebase" as const),
    }),
  },
  fc.record({ kind: fc.constant("close" as const), app }),
  fc.record({ kind: fc.constant("reopen" as const), app }),
  fc.record({ kind: fc.constant("tamper" as const), app, removed: fc.boolean() }),
  // What a webhook leads to, or a poll: once, twice, by another replica, or cut off in the middle.
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("look" as const),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  fc.record({ kind: fc.constant("replica" as const) }),
  fc.record({ kind: fc.constant("die" as const), after: fc.nat(6), done: fc.boolean() }),
  fc.record({ kind: fc.constant("sync" as const) }),
);

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const latest = ({ forge }: Scene, branch: string) =>
  [...forge.pullRequests.values()].findLast((it) => it.headBranch === branch);

async function happen(scene: Scene, it: Event): Promise<void> {
  const { forge, platform } = scene;
  if (it.kind === "look") {
    await platform.pass();
    for (let time = 0; time < it.times; time++) await scene.pass();
    return;
  }
  if (it.kind === "replica") return void (await scene.pass(await scene.another()));
  if (it.kind === "sync") return void (await platform.sync());
  if (it.kind === "die") {
    const { after, done } = it;
    scene.restart(killedAt({ after, done }));
    await scene.pass().catch(() => undefined);
    return scene.restart();
  }
  const found = latest(scene, it.app);
  if (it.kind === "push" || (it.kind === "open" && found?.state !== "open")) {
    const size = it.kind === "push" ? `s${it.size}` : "small";
    const count = forge.pullRequests.size;
    const thing = { params: { size: `${size}-${count}` } };
    if (it.kind === "open") await forge.git.branch(it.app, "main");
    await forge.push(it.app, { [specPath(it.app)]: spec(it.app, { db: thing }) });
    if (it.kind === "open") await forge.open({ title: `Ask for ${it.app}`, branch: it.app });
    return;
  }
  if (found === undefined) return;
  if (it.kind === "merge" && found.state === "open") {
    // A forge merges nothing that conflicts.
    await forge.merge(found.number, it.method).catch(() => undefined);
  }
  if (it.kind === "close" && found.state === "open") await forge.closePullRequest(found.number);
  if (it.kind === "reopen" && found.state === "closed") await forge.reopen(found.number);
  if (it.kind === "tamper") {
    const ours = forge.commentsOf(found.number).find(({ author }) => author.id === forge.self.id);
    if (ours === undefined) return;
    if (it.removed && found.state === "open") forge.deleteComment(ours.id);
    else forge.editComment(ours.id, "nothing to see here");
  }
}

const ends = {
  open: /\n## (Plan: |No plan: this conflicts)/,
  merged: /\n## Merged: (\d+) of \1 resources? done|\n## Merged: nothing to do/,
  closed: /\nClosed without a merge/,
};

test("each pull request ends with exactly one comment, in the final state", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 4, maxLength: 14 }), async (events) => {
      const scene = await openScene(db, { kind: "gitea" });
      try {
        for (const it of events) await happen(scene, it);
        // An hour later our comments are looked at anew, removed or not.
        scene.restart();
        await scene.verify();
        await scene.settle();
        for (const { number, state } of scene.forge.pullRequests.values()) {
          const seen = scene.comments(number);
          // One that was over before anybody looked is none of ours.
          if (seen.length === 0 && state === "closed") continue;
          expect(seen).toHaveLength(1);
          expect(seen[0]).toMatch(ends[state]);
        }
      } finally {
        await scene.close();
      }
    }),
    { numRuns: 8 },
  );
}, 240_000);
