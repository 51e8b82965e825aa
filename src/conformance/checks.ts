/**
 * What every resource type has to stand: being created, changed and deleted twice, being killed at any
 * write of the journal and resumed, and being looked at in between (law 2, law 6).
 */
import type { JsonRecord } from "../model/json.ts";
import type { Bundle } from "../model/workflow.ts";
import { CheckFailure, expectDone, expectExists, expectGood, expectSame } from "./expectations.ts";
import { killPoints, say } from "./kill-points.ts";
import type { JournalWrite } from "./killable-journal.ts";
import type { SampleParameters } from "./sample-parameters.ts";
import type { ScratchResource } from "./scratch-resource.ts";

const checkNames = [
  "observe before create",
  "create",
  "observe after create",
  "create again",
  "update",
  "update again",
  "observe after update",
  "delete",
  "observe after delete",
  "delete again",
  "create, killed and resumed",
  "create, killed and deleted",
  "update, killed and resumed",
  "delete, killed and resumed",
] as const;

export interface Check {
  readonly name: (typeof checkNames)[number];
  readonly state: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped; empty where it passed. */
  readonly message: string;
}

/** @returns the checks in the order they were made; none leaves the resource behind, if delete can help it */
export async function checkResource(
  resource: ScratchResource,
  { workflows }: Bundle,
  params: SampleParameters,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const check = async (name: Check["name"], act: () => Promise<void>): Promise<boolean> => {
    try {
      await act();
      checks.push({ name, state: "passed", message: "" });
      return true;
    } catch (error) {
      if (!(error instanceof CheckFailure)) throw error;
      checks.push({ name, state: "failed", message: error.message });
      return false;
    }
  };
  const skip = (name: Check["name"], message: string): void => {
    checks.push({ name, state: "skipped", message });
  };

  const create = () => expectDone(resource.perform("create", params.create), "create");
  const update = (to: JsonRecord = params.update) =>
    expectDone(resource.perform("update", to), "update");
  const remove = () => expectDone(resource.perform("delete", params.create), "delete");
  const hasObserve = workflows.observe !== undefined;
  const exists = () => expectExists(resource, params.create, true, "observe");
  const absent = () => expectExists(resource, params.create, false, "delete");
  const observing = async (name: Check["name"], act: () => Promise<void>): Promise<boolean> => {
    if (hasObserve) return check(name, act);
    skip(name, "there is no observe workflow");
    return true;
  };

  await observing("observe before create", () =>
    expectExists(resource, params.create, false, "observe"),
  );
  let writes: readonly JournalWrite[] = [];
  if (!(await check("create", async () => void (writes = (await create()).writes)))) {
    await resource.perform("delete", params.create);
    return checks;
  }
  const created = resource.recorded;
  const isSeen = await observing("observe after create", exists);
  const repeats = await check("create again", async () => {
    await create();
    expectSame(created, resource.recorded, "create put out other values when it ran again");
  });

  let updateWrites: readonly JournalWrite[] = [];
  let updates = false;
  if (workflows.update === undefined) {
    for (const name of ["update", "update again", "observe after update"] as const) {
      skip(name, "there is no update workflow");
    }
  } else {
    updates = await check("update", async () => void (updateWrites = (await update()).writes));
    const updated = resource.recorded;
    if (updates) {
      updates = await check("update again", async () => {
        await update();
        expectSame(updated, resource.recorded, "update put out other values when it ran again");
      });
      await observing("observe after update", exists);
    }
  }

  let deleteWrites: readonly JournalWrite[] = [];
  const deletes = await check("delete", async () => void (deleteWrites = (await remove()).writes));
  if (!deletes) return checks;
  const isGone = await observing("observe after delete", absent);
  const deletesAgain = await check("delete again", async () => void (await remove()));
  resource.forget();

  const observesWell = hasObserve && isSeen && isGone;
  const clean = async (): Promise<void> => {
    await remove();
    resource.forget();
  };
  if (!repeats) skip("create, killed and resumed", "create cannot be repeated");
  else {
    await check("create, killed and resumed", async () => {
      for (const point of killPoints(writes)) {
        const { at, resume } = await resource.kill("create", params.create, point);
        const ended = await resume();
        if (ended.state === "unknown") await create();
        else expectGood(ended, say("create", point, at, "went on"));
        expectSame(created, resource.recorded, say("create", point, at, "put out other values"));
        if (observesWell) await exists();
        await clean();
      }
    });
    await resource.perform("delete", params.create);
    resource.forget();
  }

  if (!deletesAgain) skip("create, killed and deleted", "delete cannot be repeated");
  else {
    await check("create, killed and deleted", async () => {
      for (const point of killPoints(writes).slice(1)) {
        const { at } = await resource.kill("create", params.create, point);
        const ended = await resource.perform("delete", params.create);
        expectGood(ended, say("create", point, at, "was deleted"));
        if (observesWell) await absent();
        resource.forget();
      }
    });
  }

  if (workflows.update === undefined) {
    skip("update, killed and resumed", "there is no update workflow");
  } else if (!updates) skip("update, killed and resumed", "update cannot be repeated");
  else {
    await check("update, killed and resumed", async () => {
      await create();
      await update();
      const expected = resource.recorded;
      for (const point of killPoints(updateWrites)) {
        await update(params.create);
        const { at, resume } = await resource.kill("update", params.update, point);
        const ended = await resume();
        if (ended.state === "unknown") await update();
        else expectGood(ended, say("update", point, at, "went on"));
        expectSame(expected, resource.recorded, say("update", point, at, "put out other values"));
        if (observesWell) await exists();
      }
    });
    await resource.perform("delete", params.create);
    resource.forget();
  }

  if (!deletesAgain) skip("delete, killed and resumed", "delete cannot be repeated");
  else {
    await check("delete, killed and resumed", async () => {
      for (const point of killPoints(deleteWrites)) {
        await create();
        const { at, resume } = await resource.kill("delete", params.create, point);
        const ended = await resume();
        if (ended.state === "unknown") await remove();
        else expectGood(ended, say("delete", point, at, "went on"));
        if (observesWell) await absent();
        resource.forget();
      }
    });
    await resource.perform("delete", params.create);
  }
  return checks;
}
