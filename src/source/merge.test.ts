import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createOrigin, type Origin } from "../../test/support/repository.ts";
import { openMirror, type Mirror } from "./mirror.ts";

const { signal } = new AbortController();

let folder: string;
let origin: Origin;
let mirror: Mirror | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-merge-"));
  origin = await createOrigin({ "a.yaml": "a\n", "b.yaml": "b\n" });
});

afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

async function tips() {
  mirror = await openMirror({ url: origin.url, directory: join(folder, "m") }, signal);
  const [base, head] = [await mirror.resolve("main"), await mirror.resolve("topic")];
  if (base === undefined || head === undefined) throw new Error("the branches are not there");
  return { mirror, base, head };
}

it("merges what both sides changed, on top of the branch's tip, with the same id every time", async () => {
  await origin.branch("topic");
  await origin.commit({ "a.yaml": "topic\n" }, "Topic", { branch: "topic" });
  await origin.commit({ "b.yaml": "main\n" }, "Main");
  const { mirror, base, head } = await tips();
  const merged = await mirror.merge(base, head, signal);
  if (merged.kind !== "merged") throw new Error(merged.kind);
  const snapshot = await mirror.snapshot(merged.commit, signal);
  const contents = await snapshot.read(["a.yaml", "b.yaml"]);
  expect([...contents.values()].map((it) => Buffer.from(it).toString())).toEqual([
    "topic\n",
    "main\n",
  ]);
  expect(await mirror.isAncestor(base, merged.commit)).toBe(true);
  expect(await mirror.isAncestor(head, merged.commit)).toBe(true);
  expect(await mirror.merge(base, head, signal)).toEqual(merged);
});

it("names the files that were changed on both sides", async () => {
  await origin.branch("topic");
  await origin.commit({ "a.yaml": "topic\n", "b.yaml": null }, "Topic", { branch: "topic" });
  await origin.commit({ "a.yaml": "main\n", "b.yaml": "main\n" }, "Main");
  const { mirror, base, head } = await tips();
  const conflict = { kind: "conflict", files: ["a.yaml", "b.yaml"] };
  expect(await mirror.merge(base, head, signal)).toEqual(conflict);
});

it("says that two histories have nothing in common", async () => {
  await origin.commit({ "c.yaml": "c\n" }, "Other", { branch: "topic", orphan: true });
  const { mirror, base, head } = await tips();
  expect(await mirror.merge(base, head, signal)).toEqual({ kind: "unrelated" });
});

it("law 8: no merge driver runs, whatever a pull request's .gitattributes name", async () => {
  const ran = join(folder, "ran");
  await origin.commit({ ".gitattributes": "* merge=evil\n" }, "Attributes");
  await origin.branch("topic");
  await origin.commit({ "a.yaml": "topic\n" }, "Topic", { branch: "topic" });
  await origin.commit({ "a.yaml": "main\n" }, "Main");
  const { mirror, base, head } = await tips();
  await appendFile(join(folder, "m", "config"), `[merge "evil"]\n\tdriver = touch ${ran}\n`);
  expect(await mirror.merge(base, head, signal)).toMatchObject({ kind: "conflict" });
  await expect(rm(ran)).rejects.toThrow("ENOENT");
});
