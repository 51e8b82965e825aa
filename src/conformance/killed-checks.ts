/** What a resource type has to stand when its runs are killed at any write of their journal (law 6). */
import type { RunOperation } from "../model/run.ts";
import { noUpdate, type Calm } from "./calm-checks.ts";
import { expectGood, expectSame } from "./expectations.ts";
import { killPoints, say } from "./kill-points.ts";
import type { JournalWrite, KillPoint } from "./killable-journal.ts";
import type { Outputs } from "./scratch-resource.ts";
import type { Subject } from "./subject.ts";

/** Leaves nothing behind, if delete can help it. */
export async function checkKilled(subject: Subject, calm: Calm): Promise<void> {
  await createAndResume(subject, calm);
  await createAndDelete(subject, calm);
  await updateAndResume(subject, calm);
  await deleteAndResume(subject, calm);
}

async function createAndResume(
  subject: Subject,
  { create, created, observes }: Calm,
): Promise<void> {
  const name = "create, killed and resumed";
  if (!create.repeats) return subject.skip(name, "create cannot be repeated");
  await subject.check(name, async () => {
    for (const point of killPoints(create.writes)) {
      const at = await killAndResume(subject, "create", point);
      expectSameAs(created, subject, say("create", point, at, "put out other values"));
      if (observes) await subject.expectThere();
      await subject.delete();
      subject.resource.forget();
    }
  });
  await subject.clear();
}

/** Its spec is taken back meanwhile: there is something half made, and nothing recorded. */
async function createAndDelete(
  subject: Subject,
  { create, delete: deletion, observes }: Calm,
): Promise<void> {
  const name = "create, killed and deleted";
  if (!deletion.repeats) return subject.skip(name, "delete cannot be repeated");
  const { resource, params } = subject;
  await subject.check(name, async () => {
    // Before the first write nothing has begun: the controller would not even ask for a deletion.
    for (const point of killPoints(create.writes).slice(1)) {
      const { at } = await resource.kill("create", params.create, point);
      const ended = await resource.perform("delete", params.create);
      expectGood(ended, say("create", point, at, "was deleted"));
      if (observes) await subject.expectGone();
      resource.forget();
    }
  });
  await subject.clear();
}

async function updateAndResume(subject: Subject, { update, observes }: Calm): Promise<void> {
  const name = "update, killed and resumed";
  if (subject.workflows.update === undefined) return subject.skip(name, noUpdate);
  if (!update.repeats) return subject.skip(name, "update cannot be repeated");
  await subject.check(name, async () => {
    await subject.create();
    await subject.update();
    const updated = subject.resource.recorded;
    for (const point of killPoints(update.writes)) {
      await subject.update(subject.params.create);
      const at = await killAndResume(subject, "update", point);
      expectSameAs(updated, subject, say("update", point, at, "put out other values"));
      if (observes) await subject.expectThere();
    }
  });
  await subject.clear();
}

async function deleteAndResume(
  subject: Subject,
  { delete: deletion, observes }: Calm,
): Promise<void> {
  const name = "delete, killed and resumed";
  if (!deletion.repeats) return subject.skip(name, "delete cannot be repeated");
  await subject.check(name, async () => {
    for (const point of killPoints(deletion.writes)) {
      await subject.create();
      await killAndResume(subject, "delete", point);
      if (observes) await subject.expectGone();
      subject.resource.forget();
    }
  });
  await subject.clear();
}

/** A run that stalls, as its author asked for, is done afresh: so would somebody who looked. */
async function killAndResume(
  subject: Subject,
  operation: RunOperation,
  point: KillPoint,
): Promise<JournalWrite | undefined> {
  const { resource, params } = subject;
  const given = operation === "update" ? params.update : params.create;
  const { at, resume } = await resource.kill(operation, given, point);
  const ended = await resume();
  if (ended.state === "unknown") await subject[operation]();
  else expectGood(ended, say(operation, point, at, "went on"));
  return at;
}

const expectSameAs = (expected: Outputs, { resource }: Subject, what: string): void =>
  expectSame(expected, resource.recorded, what);
