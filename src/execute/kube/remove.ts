/** Deletes objects, each by its UID and in reverse order, and waits until they are gone. Absent is done. */
import { WaitingError } from "../../model/errors.ts";
import type { Work } from "./apply.ts";
import { UnknownKindError, type ResourceKind } from "./discovery.ts";
import { failure } from "./failure.ts";
import type { Entry } from "./inventory.ts";
import { nameOf, type KubeObject, type ObjectReference } from "./object.ts";
import { deleteObject, getObject, locate, type Propagation } from "./objects.ts";
import { ownerOf, ownerText } from "./ownership.ts";

export interface RemoveOptions {
  readonly propagation: Propagation;
  /** Until gone; else it is enough that the server has accepted it. */
  readonly wait: boolean;
}

/** What is still there after its deletion was asked for. */
export interface Lingering {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
}

/** Not gone yet; `lingering` says what to watch. */
export class DeletingError extends WaitingError {
  readonly lingering: readonly Lingering[];

  constructor(message: string, lingering: readonly Lingering[]) {
    super("Deleting", message, 10_000);
    this.lingering = lingering;
  }
}

/** Deletes what the inventory recorded, and forgets it once it is gone. */
export async function removeEntries(
  work: Work,
  entries: readonly Entry[],
  options: RemoveOptions,
): Promise<void> {
  const { inventory, scope, uid } = work;
  const lingering: Lingering[] = [];
  for (const entry of entries.toReversed()) {
    // Recorded before it was made: if it is there, its marks say so.
    const left = await removeOne(work, entry, options, (found) =>
      entry.objectUid === undefined
        ? ownerOf(found) === ownerText(scope, uid)
        : found.metadata.uid === entry.objectUid,
    );
    if (left === undefined) await inventory.forget(scope, uid, [entry]);
    else lingering.push(left);
  }
  expectGone(lingering, options);
}

/** @param adopt deletes what is not ours, too @throws StepFailedError NameConflict */
export async function removeReferences(
  work: Work,
  references: readonly ObjectReference[],
  namespace: string,
  adopt: boolean,
  options: RemoveOptions,
): Promise<void> {
  const { cluster, inventory, scope, uid, signal } = work;
  const lingering: Lingering[] = [];
  const recorded = await inventory.read(scope, uid);
  for (const given of references.toReversed()) {
    const reference = await placed(work, given, namespace);
    if (reference === undefined) continue; // a kind that is not known has no objects
    const left = await removeOne(work, reference, options, (found) => {
      const owner = ownerOf(found);
      if (owner === ownerText(scope, uid) || (owner === undefined && adopt)) return true;
      const name = nameOf(reference);
      if (found.kind === "Namespace") return false;
      const detail = `${name} belongs to ${owner ?? "somebody else"}: it is left alone; set \`adopt: true\` to delete it all the same`;
      throw failure("NameConflict", false, false, detail);
    });
    if (left !== undefined) {
      lingering.push(left);
      continue;
    }
    const gone = recorded.filter(
      (it) =>
        it.cluster === cluster.name &&
        it.kind === reference.kind &&
        it.name === reference.name &&
        it.namespace === reference.namespace,
    );
    if (gone.length > 0) await inventory.forget(scope, uid, gone);
    signal.throwIfAborted();
  }
  expectGone(lingering, options);
}

async function placed(
  { cluster, signal }: Work,
  reference: ObjectReference,
  namespace: string,
): Promise<ObjectReference | undefined> {
  try {
    return (await locate(cluster, reference, namespace, signal)).reference;
  } catch (error) {
    if (error instanceof UnknownKindError) return undefined;
    throw error;
  }
}

/** @returns what is still there, if it is `ours` */
async function removeOne(
  work: Work,
  reference: ObjectReference,
  { propagation, wait }: RemoveOptions,
  ours: (found: KubeObject) => boolean,
): Promise<Lingering | undefined> {
  const { cluster, signal, log } = work;
  const name = nameOf(reference);
  let kind: ResourceKind;
  try {
    ({ kind } = await locate(cluster, reference, reference.namespace ?? "default", signal));
  } catch (error) {
    if (!(error instanceof UnknownKindError)) throw error;
    log(`${name}: its kind is not there any more\n`);
    return undefined;
  }
  const found = await getObject(cluster, kind, reference, signal);
  if (found === undefined) {
    log(`${name}: not there\n`);
    return undefined;
  }
  if (!ours(found)) {
    log(`${name}: another object has its name now, and is left alone\n`);
    return undefined;
  }
  const { uid = "", deletionTimestamp } = found.metadata;
  if (deletionTimestamp === undefined || deletionTimestamp === null) {
    work.changed();
    await deleteObject(cluster, kind, reference, uid, propagation, signal);
    log(`${name}: deletion asked for\n`);
    if (!wait) return undefined;
  }
  const left = await getObject(cluster, kind, reference, signal);
  if (left === undefined || left.metadata.uid !== uid) {
    log(`${name}: gone\n`);
    return undefined;
  }
  return { kind, object: left };
}

function expectGone(lingering: readonly Lingering[], { wait }: RemoveOptions): void {
  if (!wait || lingering.length === 0) return;
  const told = lingering.map(({ object }) => {
    const { namespace, name, finalizers } = object.metadata;
    const held = (finalizers ?? []).join(", ");
    const named = nameOf({ kind: object.kind, namespace, name });
    return held === "" ? named : `${named} (finalizers: ${held})`;
  });
  throw new DeletingError(`waiting until it is gone: ${told.join("; ")}`, lingering);
}
