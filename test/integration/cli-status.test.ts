/** `innominatus status` tells what resources wait for, in its table and as JSON (E8). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import type { Database } from "../../src/store/database.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { runCli } from "../support/cli.ts";
import { createTestPostgres } from "../support/database.ts";
import { claimed, enqueue, uidOf, wish } from "../support/runs.ts";

const closing: (() => Promise<void>)[] = [];
let db: Database;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  const { url, remove } = await createTestPostgres();
  closing.push(remove);
  db = await openPostgres(url);
  closing.push(() => db.close());
  folder = await mkdtemp(join(tmpdir(), "innominatus-status-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  env = { DATABASE_URL: url };
  await db.query("insert into repositories (id, url) values ('origin', '/origin')");
  await db.query(
    "insert into environments (repository, environment, branch) values ('origin', 'default', 'main')",
  );
});
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

const status = async (...words: readonly string[]): Promise<string> => {
  const ran = await runCli(["status", ...words], { cwd: folder, env });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout;
};

it("E8: status shows what each resource waits for, who is in the way, and until when", async () => {
  const [a, b, c] = [uidOf("a"), uidOf("b"), uidOf("c")];
  const target = { target: "node/worker-1", declared: true };
  await wish(db, [a, b, c]);
  await enqueue(db, a, target);
  const { run } = await claimed(db);
  await enqueue(db, c);
  const before = await status();
  expect(before).not.toContain("WAITS FOR");

  await enqueue(db, b, target);
  const after = await status();
  expect(after).toContain(
    `${b}  origin/default  ResourceBusy: run ${run} of ${a} has the target, until it ends\n`,
  );
  expect(after).not.toContain(c);
  const shape = z.array(z.looseObject({ waiting: z.json() }));
  expect(shape.parse(JSON.parse(await status("-o", "json")))).toMatchObject([
    {
      waiting: [
        {
          uid: b,
          waits: [
            {
              reason: "ResourceBusy",
              blocker: { repository: "origin", environment: "default", uid: a, run },
              until: null,
            },
          ],
        },
      ],
    },
  ]);

  const until = "2099-01-01T00:00:00.000Z";
  await db.query(
    `insert into backoffs (lock, operation, repository, environment, uid, hash, failures, next_attempt_at)
     select lock, 'create', 'origin', 'default', uid, 'h', 1, $2 from runs where uid = $1`,
    [b, until],
  );
  expect(await status()).toContain(
    "BackoffActive until 2099-01-01 00:00 UTC: a run that is no longer recorded failed; then ResourceBusy\n",
  );
});
