/** A scratch resource under test: what can be done to it, each failing as a check does. */
import type { JsonRecord } from "../model/json.ts";
import type { RunOperation } from "../model/run.ts";
import type { Bundle } from "../model/workflow.ts";
import { createCheckList, type CheckList } from "./check-list.ts";
import { expectDone, expectExists } from "./expectations.ts";
import type { JournalWrite } from "./killable-journal.ts";
import type { SampleParameters } from "./sample-parameters.ts";
import type { ScratchResource } from "./scratch-resource.ts";

type Writes = readonly JournalWrite[];

/** Each but `clear` throws CheckFailure where the provider does not do what it should. */
export interface Subject extends CheckList {
  readonly resource: ScratchResource;
  readonly workflows: Bundle["workflows"];
  readonly params: SampleParameters;
  create(): Promise<Writes>;
  /** @param to in place of the update's params */
  update(to?: JsonRecord): Promise<Writes>;
  delete(): Promise<Writes>;
  /** Asks observe before a creation: nothing is there. */
  expectNothing(): Promise<void>;
  expectThere(): Promise<void>;
  /** Asks observe as the controller does after a deletion. */
  expectGone(): Promise<void>;
  /** Deletes it as well as that goes, and forgets what was recorded. */
  clear(): Promise<void>;
}

export function createSubject(
  resource: ScratchResource,
  { workflows }: Bundle,
  params: SampleParameters,
): Subject {
  const perform = async (operation: RunOperation, given: JsonRecord): Promise<Writes> =>
    (await expectDone(resource.perform(operation, given), operation)).writes;
  const exists = (expected: boolean, within: "observe" | "delete"): Promise<void> =>
    expectExists(resource, params.create, expected, within);
  return {
    ...createCheckList(),
    resource,
    workflows,
    params,
    create: () => perform("create", params.create),
    update: (to = params.update) => perform("update", to),
    delete: () => perform("delete", params.create),
    expectNothing: () => exists(false, "observe"),
    expectThere: () => exists(true, "observe"),
    expectGone: () => exists(false, "delete"),
    async clear() {
      await resource.perform("delete", params.create);
      resource.forget();
    },
  };
}
