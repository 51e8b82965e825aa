/** Execution semantics §1 and §2 from commit to effect: workflows that name a target, and what waits for it. */
import { expect, it, vi } from "vitest";
import type { JsonRecord } from "../../../src/model/json.ts";
import { cancelRun } from "../../../src/store/cancels.ts";
import { listEvents } from "../../../src/store/events.ts";
import { listRuns } from "../../../src/store/runs.ts";
import { claimOptions, claimRun } from "../../support/runs.ts";
import type { Files } from "../../support/repository.ts";
import { onEachStore } from "../stores.ts";
import { apps, spec, specPath, thingsProvider } from "../things.ts";

/** The things provider, whose create names `target`. */
const targeting =
  (target: string, more: JsonRecord = {}) =>
  (root: string): Files => {
    const files = thingsProvider(root);
    const file = "providers/things/create.yaml";
    const text = files[file];
    if (typeof text !== "string") throw new Error(`the provider has no ${file}`);
    const workflow: JsonRecord = { ...JSON.parse(text), target, ...more };
    return { ...files, [file]: JSON.stringify(workflow) };
  };

onEachStore((open) => {
  it("E1: runs on one target exclude each other across resources, by the template's value", async () => {
    const platform = await open(
      apps("one", "two"),
      targeting("{{ .parameters.size }}/Thing/shared", { retrySafe: true }),
    );
    await platform.pass();
    const runs = await platform.runs();
    expect(runs.map((run) => run.target)).toEqual(["small/thing/shared", "small/thing/shared"]);
    await platform.advance(0);
    const working = platform.work();
    await vi.waitFor(
      async () =>
        // The second waits out the cooldown of the first.
        expect((await platform.runs()).map((run) => run.state)).toEqual(["queued", "succeeded"]),
      { timeout: 20_000, interval: 50 },
    );
    await platform.advance(300_000);
    await working;
    expect(await platform.things()).toEqual(["one.it", "two.it"]);
  });

  it("E7: a newer wish takes the older one's place in the queue, not the last", async () => {
    const platform = await open(
      apps("one", "two"),
      targeting("node/{{ .parameters.region }}", { retrySafe: true }),
    );
    await platform.pass();
    const [first] = await platform.runs();
    const before = await platform.runs();
    await platform.origin.commit({
      [specPath("one")]: spec("one", { it: { params: { size: "large" } } }),
    });
    await platform.pass();
    const states = (await platform.runs()).map((run) => `${run.uid} ${run.state}`);
    expect(states.toSorted()).toEqual([
      "thing.default#one.it queued",
      "thing.default#one.it superseded",
      "thing.default#two.it queued",
    ]);
    expect(before.at(-1)?.uid).toBe("thing.default#one.it");
    expect(first?.uid).toBe("thing.default#two.it");
    const claim = await claimRun(platform.db, claimOptions("worker"));
    expect(claim?.uid).toBe("thing.default#one.it");
    expect(claim?.run).not.toBe(before.at(-1)?.id);
  });

  it("E1: an empty part of a target is a problem, told where the resource is looked at", async () => {
    const platform = await open(
      { [specPath("one")]: spec("one", { it: { params: { size: "" } } }) },
      targeting("{{ .parameters.peer }}/thing/shared"),
    );
    await platform.sync();
    expect(await platform.resource("thing.default#one.it")).toMatchObject({
      gate: { kind: "problem" },
      phase: "requested",
    });
    expect(await platform.effects()).toEqual([]);
  });

  it("E9: a queued run that is cancelled does nothing, and is left alone until its spec changes", async () => {
    const platform = await open(apps("one"));
    await platform.pass();
    const [run] = await platform.runs();
    const by = { actor: "ann", reason: "not today" };
    const id = run?.id ?? "";
    expect(await platform.db.transaction((tx) => cancelRun(tx, id, by, 0))).toBe("ended");
    expect(await platform.db.transaction((tx) => cancelRun(tx, id, by, 0))).toBe("over");
    await platform.sync().catch(() => undefined);
    const events = await listEvents(platform.db, platform.scope, { limit: 100 });
    expect(events.find((event) => event.type === "RunCancelled")).toMatchObject({
      actor: "ann",
      data: { reason: "not today" },
    });
    expect((await listRuns(platform.db, platform.scope, { limit: 9 })).at(-1)?.state).toBe(
      "cancelled",
    );
  });

  it("ends a running run at its safe point when it is cancelled, and starts nothing more", async () => {
    const platform = await open(apps("one"), (root) => thingsProvider(root, { prepare: true }));
    await platform.put("hold", "prepare-one.it");
    await platform.pass();
    const working = platform.work();
    await platform.saw("prepare one.it begins");
    const [run] = await platform.runs();
    const by = { actor: "ann", reason: "wrong size" };
    expect(await platform.db.transaction((tx) => cancelRun(tx, run?.id ?? "", by, 0))).toBe(
      "ending",
    );
    await platform.take("hold", "prepare-one.it");
    await working;
    expect((await platform.runs())[0]).toMatchObject({ state: "cancelled" });
    expect(await platform.things()).toEqual([]);
    expect(await platform.resource("thing.default#one.it")).toMatchObject({
      stalled: true,
      reason: "Cancelled",
    });
    await platform.pass();
    expect(await platform.runs()).toHaveLength(1);
  });
});
