/**
 * Applies objects one after the other under our field manager, marked as the resource's own, and
 * prunes what the keeper's earlier manifest had. What exists and is another's is left alone.
 */
import { WaitingError } from "../../model/errors.ts";
import type { Scope, Uid } from "../../model/uid.ts";
import type { Cluster } from "./cluster.ts";
import { failure } from "./failure.ts";
import { isSame, type Entry, type Inventory } from "./inventory.ts";
import { nameOf, referenceOf, type KubeObject } from "./object.ts";
import { getObject, locate, serverSideApply } from "./objects.ts";
import { ownerOf, ownerText, withMarks } from "./ownership.ts";
import { readinessOf } from "./ready.ts";
import { removeEntries } from "./remove.ts";

export interface Work {
  readonly cluster: Cluster;
  readonly inventory: Inventory;
  readonly scope: Scope;
  readonly uid: Uid;
  readonly run: string;
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  /** Says that something was, or may have been, changed. */
  readonly changed: () => void;
}

export interface ApplyWish {
  readonly objects: readonly KubeObject[];
  /** Of those that name none. */
  readonly namespace: string;
  readonly keeper: string;
  readonly force: boolean;
  readonly adopt: boolean;
  readonly prune: boolean;
}

/** @returns the objects as they are now, in their order; one that is left alone as it was found */
export async function applyObjects(work: Work, wish: ApplyWish): Promise<readonly KubeObject[]> {
  const { cluster, inventory, scope, uid, signal } = work;
  const entryOf = (object: KubeObject, objectUid: string | undefined): Entry => ({
    ...referenceOf(object),
    cluster: cluster.name,
    keeper: wish.keeper,
    objectUid,
  });
  const before = await inventory.read(scope, uid);
  const applied: KubeObject[] = [];
  const wanted: Entry[] = [];
  for (const object of wish.objects) {
    const { kind, reference } = await locate(cluster, referenceOf(object), wish.namespace, signal);
    const { namespace: _, ...metadata } = object.metadata;
    const { namespace } = reference;
    const placed: KubeObject = {
      ...object,
      metadata: namespace === undefined ? metadata : { ...metadata, namespace },
    };
    const found = await getObject(cluster, kind, reference, signal);
    if (found !== undefined && isLeftAlone(work, found, wish)) {
      applied.push(found);
      continue;
    }
    if (!before.some((it) => isSame(it, reference) && it.cluster === cluster.name)) {
      await inventory.put(scope, uid, [entryOf(placed, undefined)]);
    }
    const now = await applyOne(work, wish, placed, kind, found);
    applied.push(now);
    wanted.push(entryOf(placed, now.metadata.uid));
    expectUsable(now);
  }
  await inventory.put(scope, uid, wanted);
  if (wish.prune) await prune(work, before, wanted, wish.keeper);
  return applied;
}

/**
 * One that is there already stays as it is, whoever made it. It is not recorded: it is deleted with
 * no resource, because others live in it.
 */
export async function ensureNamespace(
  work: Work,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { cluster, run, scope, uid, signal, log } = work;
  const { kind, reference } = await locate(
    cluster,
    { apiVersion: "v1", kind: "Namespace", namespace: undefined, name },
    name,
    signal,
  );
  if ((await getObject(cluster, kind, reference, signal)) !== undefined) {
    log(`${nameOf(reference)}: there already, left as it is\n`);
    return;
  }
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { ...labels } } };
  const marked = withMarks(object, ownerText(scope, uid), run);
  work.changed();
  await serverSideApply(cluster, kind, marked, { force: false }, signal);
  log(`${nameOf(reference)}: created\n`);
}

type Kind = Awaited<ReturnType<typeof locate>>["kind"];

async function applyOne(
  work: Work,
  wish: ApplyWish,
  placed: KubeObject,
  kind: Kind,
  found: KubeObject | undefined,
): Promise<KubeObject> {
  const { cluster, scope, uid, run, signal, log } = work;
  const name = nameOf(referenceOf(placed));
  const owner = ownerText(scope, uid);
  const marked = withMarks(placed, owner, run);
  // With the UID of what was looked at, another object that has taken its name since is not touched.
  const precondition = found?.metadata.uid;
  const sent =
    precondition === undefined
      ? marked
      : { ...marked, metadata: { ...marked.metadata, uid: precondition } };
  work.changed();
  const { object, created } = await serverSideApply(cluster, kind, sent, wish, signal);
  if (found === undefined && !created && !wish.adopt) {
    // It came into being between the look and the apply: what we own of it is given back.
    const { apiVersion } = placed;
    const { namespace } = placed.metadata;
    const empty = {
      apiVersion,
      kind: placed.kind,
      metadata: { name: placed.metadata.name, ...(namespace === undefined ? {} : { namespace }) },
    };
    await serverSideApply(cluster, kind, empty, { force: false }, signal);
    throw nameConflict(name, "somebody else, a moment ago");
  }
  log(`${name}: ${created ? "created" : "applied"}\n`);
  return object;
}

/** @throws StepFailedError NameConflict, with the object untouched (E17) */
function isLeftAlone({ scope, uid, log }: Work, found: KubeObject, { adopt }: ApplyWish): boolean {
  const reference = referenceOf(found);
  const { deletionTimestamp, finalizers } = found.metadata;
  if (deletionTimestamp !== undefined && deletionTimestamp !== null) {
    const held = (finalizers ?? []).join(", ");
    const why = held === "" ? "" : `, which waits for its finalizers: ${held}`;
    throw new WaitingError(
      "Terminating",
      `${nameOf(reference)} is still being deleted${why}`,
      5_000,
    );
  }
  const owner = ownerOf(found);
  if (owner === ownerText(scope, uid)) return false;
  if (owner === undefined && adopt) {
    log(`${nameOf(reference)}: adopted\n`);
    return false;
  }
  if (found.kind === "Namespace") {
    log(`${nameOf(reference)}: there already, left as it is\n`);
    return true;
  }
  throw nameConflict(nameOf(reference), owner ?? "somebody else");
}

const nameConflict = (name: string, owner: string) =>
  failure(
    "NameConflict",
    false,
    false,
    `${name} exists and belongs to ${owner}: it is left alone; give yours another name${
      owner.includes("#") ? "" : ", or set `adopt: true` to take it over"
    }`,
  );

/** A CRD's objects, and what is in a namespace, can be made only then. @throws WaitingError */
function expectUsable(object: KubeObject): void {
  if (object.kind !== "CustomResourceDefinition") return;
  const readiness = readinessOf(object);
  if (readiness.state === "ready") return;
  const name = nameOf(referenceOf(object));
  if (readiness.state === "failed") {
    throw failure("ConfigurationError", false, true, `${name}: ${readiness.message}`);
  }
  throw new WaitingError("CrdNotEstablished", `${name}: ${readiness.message}`, 500);
}

async function prune(
  work: Work,
  before: readonly Entry[],
  wanted: readonly Entry[],
  keeper: string,
): Promise<void> {
  const surplus = before.filter(
    (it) =>
      it.keeper === keeper &&
      it.cluster === work.cluster.name &&
      !wanted.some((one) => isSame(one, it)),
  );
  if (surplus.length > 0)
    await removeEntries(work, surplus, { propagation: "Background", wait: true });
}
