/** Laws 5, 6, 9, 10 and 12: the newest commit, one writer, a fixed point, every mistake, every why. */
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { isError } from "../../src/model/problem.ts";
import type { Uid } from "../../src/model/uid.ts";
import { statusBranch } from "../support/platform.ts";
import { onEachStore } from "./stores.ts";
import { apps, settings, spec, specPath, thingsProvider } from "./things.ts";

const db: Uid = "thing.default#shop.db";
const shopOf = (size: string): Readonly<Record<string, string>> => ({
  [specPath("shop")]: spec("shop", { db: { params: { size } } }),
});

onEachStore((open) => {
  it("law 5: a newer commit ends a run at its safe point, and its own state is the last", async () => {
    const platform = await open(shopOf("small"), (root) => thingsProvider(root, { prepare: true }));
    await platform.put("hold", "prepare-shop.db");
    const old = platform.sync();
    await platform.saw("prepare shop.db begins");
    const newer = await platform.origin.commit(shopOf("large"));
    const other = await platform.replica();
    const [seen] = await platform.pass(other);
    expect(seen?.pass).toMatchObject({ queued: 1 });
    await platform.take("hold", "prepare-shop.db");
    await old;
    expect((await platform.sync(other)).outcome).toBe("settled");
    expect((await platform.effects()).filter((it) => it === "create shop.db")).toHaveLength(1);
    expect(await platform.resource(db)).toMatchObject({
      phase: "active",
      commit: newer,
      params: { size: "large" },
      outputs: { size: "large" },
    });
    const runs = (await platform.runs(db)).toReversed();
    expect(runs[0]).toMatchObject({
      operation: "create",
      state: "superseded",
      reason: "Superseded",
    });
    expect(runs.at(-1)).toMatchObject({ state: "succeeded", commit: newer });
    expect(runs).toHaveLength(2);
  });

  it("law 5: a run that a newer commit finds in its last step has done its work, and the rest is an update", async () => {
    const platform = await open(shopOf("small"));
    await platform.put("hold", "create-shop.db");
    const old = platform.sync();
    await platform.saw("create shop.db begins");
    await platform.origin.commit(shopOf("large"));
    const other = await platform.replica();
    await platform.pass(other);
    await platform.take("hold", "create-shop.db");
    await old;
    expect((await platform.sync(other)).outcome).toBe("settled");
    expect(await platform.resource(db)).toMatchObject({ outputs: { size: "large" } });
  });

  it("law 5: a replica that has not heard of the newest commit does not go back to an older one", async () => {
    const platform = await open(shopOf("small"));
    await platform.sync();
    const newest = await platform.origin.commit({ ...shopOf("large"), ...apps("blog") });
    await platform.sync(await platform.replica());
    const stale = await platform.repository.pass(new AbortController().signal);
    expect(stale).toMatchObject([{ pass: { queued: 0, plan: { commit: newest } } }]);
    expect(await platform.environment()).toMatchObject({ appliedCommit: newest });
    expect(await platform.resource(db)).toMatchObject({ outputs: { size: "large" }, wanted: true });
    expect(await platform.runs()).toHaveLength(3);
  });

  it("law 5: what is queued for older commits is coalesced away", async () => {
    const platform = await open(shopOf("small"));
    await platform.pass();
    for (const size of ["medium", "large", "huge"]) {
      await platform.origin.commit(shopOf(size));
      await platform.pass();
    }
    expect((await platform.sync()).outcome).toBe("settled");
    expect((await platform.effects()).filter((it) => it.endsWith("begins"))).toHaveLength(1);
    expect(await platform.resource(db)).toMatchObject({ outputs: { size: "huge" } });
    const states = (await platform.runs(db)).map((it) => it.state);
    expect(states).toEqual(["succeeded", "superseded", "superseded", "superseded"]);
  });

  it("law 5: a removal while a create is under way ends with nothing left", async () => {
    const platform = await open(shopOf("small"));
    await platform.put("hold", "create-shop.db");
    const old = platform.sync();
    await platform.saw("create shop.db begins");
    await platform.origin.remove([specPath("shop")]);
    const other = await platform.replica();
    await platform.pass(other);
    await platform.take("hold", "create-shop.db");
    await old;
    expect((await platform.sync(other)).outcome).toBe("settled");
    expect(await platform.things()).toEqual([]);
    expect(await platform.resource(db)).toMatchObject({ phase: "deleted" });
  });

  it("law 6: two controllers on one store do everything once", async () => {
    const names = ["a1", "a2", "a3", "a4", "a5", "a6"];
    const platform = await open(apps(...names));
    const other = await platform.replica();
    const both = await Promise.all([platform.sync(), platform.sync(other)]);
    expect(both.map((it) => it.outcome)).toEqual(["settled", "settled"]);
    const begun = (await platform.effects()).filter((it) => it.endsWith("begins"));
    expect(begun.toSorted()).toEqual(names.map((it) => `create ${it}.it begins`));
    expect(await platform.runs()).toHaveLength(names.length);

    await platform.origin.remove(names.slice(0, 3).map(specPath));
    await Promise.all([platform.sync(), platform.sync(other)]);
    expect(await platform.things()).toEqual(["a4.it", "a5.it", "a6.it"]);
    expect(await platform.runs()).toHaveLength(names.length + 3);
  });

  it("law 9: the same state is published once, and by whoever comes first", async () => {
    const platform = await open(apps("shop", "blog"));
    await platform.sync();
    const [log, runs] = [await platform.statusLog(), await platform.runs()];
    expect((await platform.sync()).outcome).toBe("settled");
    await platform.sync(await platform.replica());
    await platform.origin.commit({ "README.md": "Nothing of ours.\n" });
    expect((await platform.sync()).outcome).toBe("settled");
    expect(await platform.statusLog()).toEqual(log);
    expect(await platform.runs()).toEqual(runs);
  });

  it("law 9: the controller's own commits change no plan", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const before = await platform.plan();
    expect(await platform.pass()).toMatchObject([{ pass: { kind: "unchanged" } }]);
    expect(await platform.plan()).toEqual(before);
  });

  it("law 9: a push that lost the race is made again on top, and keeps what the others wrote", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const ours = await platform.origin.tip(statusBranch);
    const theirs = await platform.origin.commit(
      { "notes.md": "Mine.\n", "default/shop.yaml": "not: ours\n" },
      "Write on the status branch",
      { branch: statusBranch },
    );
    await platform.origin.commit(apps("blog"));
    expect((await platform.sync()).outcome).toBe("settled");
    const log = await platform.origin.log(statusBranch);
    const ids = log.map((it) => it.commit);
    expect(ids).toContain(theirs);
    expect(ids).toContain(ours);
    expect(await platform.statusFile("notes.md")).toBe("Mine.\n");
    expect(await platform.statusFile("default/shop.yaml")).toContain("phase: active");
    expect(await platform.statusFile("default/blog.yaml")).toContain("phase: active");
  });

  it("law 9: a push refused between fetch and push is rebuilt on the new tip", async () => {
    const platform = await open(apps("shop"));
    await platform.sync();
    const { services, repository } = await platform.replica();
    const push = repository.mirror.push.bind(repository.mirror);
    let theirs: string | undefined;
    repository.mirror.push = async (...given) => {
      theirs ??= await platform.origin.commit({ "notes.md": "Mine.\n" }, "Race", {
        branch: statusBranch,
      });
      return push(...given);
    };
    await platform.origin.commit(apps("blog"));
    expect((await platform.sync({ services, repository })).outcome).toBe("settled");
    expect(theirs).toBeDefined();
    expect((await platform.origin.log(statusBranch)).map((it) => it.commit)).toContain(theirs);
    expect(await platform.statusFile("notes.md")).toBe("Mine.\n");
    expect(await platform.statusFile("default/blog.yaml")).toContain("phase: active");
  });

  it("law 10: every mistake of every file is told at once, with its place and a hint", async () => {
    const platform = await open({
      ".innominatus.yaml": settings({ budget: { count: -1 } }),
      ...apps("fine"),
      [specPath("one")]: "apiVersion: score.dev/v1b1\nmetadata: {name: one\n",
      [specPath("two")]:
        "apiVersion: score.dev/v1b1\nmetadata: {}\nresources: { xx: {}, yy: { type: 4 } }\n",
      [specPath("three")]: spec("three", { aa: { type: "unheard-of" }, bb: { type: "also-not" } }),
      [specPath("four")]: spec("four", {
        it: { params: { size: 7, peer: "${resources.no.host}" } },
      }),
      "providers/broken/provider.yaml": "apiVersion: v1\nkind: Provider\nmetadata: {}\n",
    });
    const { problems } = await platform.plan();
    const errors = problems.filter(isError);
    const files = new Set(errors.map((it) => it.file));
    expect([...files].toSorted()).toEqual([
      ".innominatus.yaml",
      "apps/four/score.yaml",
      "apps/one/score.yaml",
      "apps/three/score.yaml",
      "apps/two/score.yaml",
      "providers/broken/provider.yaml",
    ]);
    const inThree = errors.filter((it) => it.file === specPath("three"));
    expect(inThree.map((it) => it.pointer)).toEqual(["/resources/aa/type", "/resources/bb/type"]);
    expect(errors.filter((it) => it.file === specPath("two")).length).toBeGreaterThan(2);
    for (const it of errors) {
      expect(it).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
      expect(it.message).not.toBe("");
      expect(it.hint ?? "", `${it.file} ${it.code}`).not.toBe("");
    }
  });

  it("law 12: says of every state what was decided, by which rule, and what comes next", async () => {
    const platform = await open({
      ...shopOf("small"),
      [specPath("kept")]: spec("kept", { it: { type: "keepsake" } }),
    });
    await platform.put("fail", "create-shop.db");
    await platform.sync();
    const commit = await platform.origin.tip();
    const failed = await platform.why(db);
    expect(failed).toMatchObject({
      phase: "failed",
      decided: {
        operation: "create",
        commit,
        author: expect.stringContaining("Dev"),
        subject: "Start",
      },
      provider: { name: "things-team", version: "1.0.0" },
      run: { run: { state: "failed" } },
      gate: null,
      next: { text: "it is tried again", at: expect.any(String) },
    });
    expect(failed.decided.place).toMatchObject({ file: specPath("shop") });
    expect(failed.decided.rule).toContain("thing: served by things-team@1.0.0");
    expect(failed.decided.rule).toContain("create: workflow create, the default");
    expect(failed.run?.steps).toMatchObject([
      { name: "password", state: "ended" },
      { name: "do", state: "failed", error: expect.stringContaining("cannot be created") },
    ]);

    await platform.take("fail", "create-shop.db");
    await platform.sync();
    expect(await platform.why(db)).toMatchObject({
      phase: "active",
      decided: { operation: "create", reason: "Incomplete", commit },
      run: { run: { state: "succeeded", operation: "create" } },
      next: { at: null, command: null },
    });

    const removed = await platform.origin.remove([specPath("kept")]);
    await platform.sync();
    expect(await platform.why("keepsake.default#kept.it")).toMatchObject({
      phase: "held",
      decided: { operation: "delete", reason: "Removed", commit: removed },
      gate: { kind: "grace" },
      next: { at: expect.any(String) },
    });
    const published = parse((await platform.statusFile("default/kept.yaml")) ?? "");
    const { gate } = z
      .object({ resources: z.tuple([z.object({ gate: z.looseObject({ kind: z.string() }) })]) })
      .parse(published).resources[0];
    expect(gate.kind).toBe("grace");
  });

  it("law 12: a resource that gave up says so, and what starts it again", async () => {
    const platform = await open(shopOf("small"));
    await platform.put("fail", "create-shop.db");
    for (let count = 0; count < 3; count++) {
      await platform.advance(4 * 3_600_000);
      await platform.pass();
      if (count === 0) await platform.sync();
      else await platform.work();
    }
    expect(await platform.resource(db)).toMatchObject({ stalled: true, nextAttemptAt: null });
    expect((await platform.why(db)).next.command).toContain(`innominatus retry ${db}`);
    const runs = await platform.runs(db);
    expect(runs).toHaveLength(3);
    await platform.advance(4 * 3_600_000);
    expect(await platform.pass()).toMatchObject([{ pass: { queued: 0 } }]);
    expect(await platform.pass()).toMatchObject([{ pass: { kind: "unchanged" } }]);
    // Another wish starts afresh.
    await platform.take("fail", "create-shop.db");
    await platform.origin.commit(shopOf("large"));
    expect((await platform.sync()).outcome).toBe("settled");
  });
});
