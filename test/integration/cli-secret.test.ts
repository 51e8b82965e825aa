import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { runCli } from "../support/cli.ts";
import { createOrigin, type Origin } from "../support/repository.ts";

const spec = `apiVersion: score.dev/v1b1
metadata: { name: shop }
containers: { web: { image: x } }
resources: { db: { type: postgres-mock } }
`;

let origin: Origin;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-secret-"));
  origin = await createOrigin({ "apps/shop/score.yaml": spec });
  const { code, stderr } = await run("sync", "--repo", origin.url);
  if (code !== 0) throw new Error(stderr);
}, 120_000);

afterAll(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) => runCli([...words, "--data-dir", join(folder, "data")]);

it("law 7: a reference is shown everywhere, and its value only to whoever asks for it, on record", async () => {
  const listed = await run("resources", "-o", "json");
  const [{ secretRefs }] = z
    .tuple([z.object({ secretRefs: z.record(z.string(), z.string()) })])
    .parse(JSON.parse(listed.stdout));
  const reference = secretRefs["password"] ?? "";
  expect(reference).toBe("secret://default/shop/db/password");

  const read = await run("secret", reference);
  expect(read).toMatchObject({ code: 0, stderr: "" });
  expect(read.stdout).toMatch(/^[A-Za-z0-9]{16,}$/);
  expect(listed.stdout).not.toContain(read.stdout);

  const events = await run("events", "-o", "json");
  expect(events.stdout).toContain('"SecretRead"');
  expect(events.stdout).not.toContain(read.stdout);
});

it("says so where nothing has the reference", async () => {
  const read = await run("secret", "secret://default/shop/db/nothing");
  expect(read).toMatchObject({ code: 1, stdout: "" });
  expect(read.stderr).toContain("no resource has this reference");
});
