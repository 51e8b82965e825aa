/** What a resource type has to stand while nothing is killed: everything twice, and a look in between (law 2). */
import type { CheckName } from "./check-list.ts";
import { expectSame } from "./expectations.ts";
import type { JournalWrite } from "./killable-journal.ts";
import type { Outputs } from "./scratch-resource.ts";
import type { Subject } from "./subject.ts";

interface Repeated {
  readonly repeats: boolean;
  /** Of the journal, in its first run. */
  readonly writes: readonly JournalWrite[];
}

/** What of it can be relied on further on. */
export interface Calm {
  readonly create: Repeated;
  readonly update: Repeated;
  readonly delete: Repeated;
  /** As create put them out. */
  readonly created: Outputs;
  /** Observe told the truth, as far as it was asked. */
  readonly observes: boolean;
}

/** @returns `undefined` where it cannot be created, or not deleted: nothing more can be tried out then */
export async function checkCalmly(subject: Subject): Promise<Calm | undefined> {
  await observing(subject, "observe before create", () => subject.expectNothing());
  const create = await twice(subject, "create", () => subject.create());
  if (create === undefined) {
    await subject.clear();
    return undefined;
  }
  const update = await checkUpdate(subject);
  let writes: readonly JournalWrite[] = [];
  const deletes = await subject.check("delete", async () => {
    writes = await subject.delete();
  });
  if (!deletes) return undefined;
  const isGone = await observing(subject, "observe after delete", () => subject.expectGone());
  const repeats = await subject.check("delete again", async () => {
    await subject.delete();
  });
  subject.resource.forget();
  const observes = subject.workflows.observe !== undefined && create.isThere && isGone;
  return { create, update, delete: { repeats, writes }, created: create.outputs, observes };
}

async function checkUpdate(subject: Subject): Promise<Repeated> {
  if (subject.workflows.update === undefined) {
    for (const name of ["update", "update again", "observe after update"] as const) {
      subject.skip(name, noUpdate);
    }
    return { repeats: false, writes: [] };
  }
  const updated = await twice(subject, "update", () => subject.update());
  return updated ?? { repeats: false, writes: [] };
}

export const noUpdate = "there is no update workflow";

interface Twice extends Repeated {
  readonly outputs: Outputs;
  /** Observe, where there is one, says so. */
  readonly isThere: boolean;
}

/** @returns `undefined` where even the first run fails */
async function twice(
  subject: Subject,
  operation: "create" | "update",
  run: () => Promise<readonly JournalWrite[]>,
): Promise<Twice | undefined> {
  let writes: readonly JournalWrite[] = [];
  const works = await subject.check(operation, async () => {
    writes = await run();
  });
  if (!works) return undefined;
  const outputs = subject.resource.recorded;
  const isThere = await observing(subject, `observe after ${operation}`, () =>
    subject.expectThere(),
  );
  const repeats = await subject.check(`${operation} again`, async () => {
    await run();
    const what = `${operation} put out other values when it ran again`;
    expectSame(outputs, subject.resource.recorded, what);
  });
  return { repeats, writes, outputs, isThere };
}

/** Without an observe workflow nothing is said, and nothing held against it. */
async function observing(
  subject: Subject,
  name: CheckName,
  look: () => Promise<void>,
): Promise<boolean> {
  if (subject.workflows.observe !== undefined) return subject.check(name, look);
  subject.skip(name, "there is no observe workflow");
  return true;
}
