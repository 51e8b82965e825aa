/** What a resource's steps made in a cluster: recorded before it is made, so that nothing is forgotten (law 2). */
import type { Scope, Uid } from "../../model/uid.ts";
import type { ObjectReference } from "./object.ts";

export interface Entry extends ObjectReference {
  /** The cluster's name in the settings. */
  readonly cluster: string;
  /** Which step keeps it: what a later manifest of that step leaves out is pruned. */
  readonly keeper: string;
  /** Kubernetes' UID; `undefined`: it was about to be made, and may be there. */
  readonly objectUid: string | undefined;
}

export interface Inventory {
  /** In the order they were first recorded. */
  read(scope: Scope, uid: Uid): Promise<readonly Entry[]>;
  /** Adds, or replaces those of the same reference; one that knows no UID takes away none. */
  put(scope: Scope, uid: Uid, entries: readonly Entry[]): Promise<void>;
  forget(scope: Scope, uid: Uid, entries: readonly Entry[]): Promise<void>;
}

/** Two versions of one group are the same object. */
export const isSame = (a: ObjectReference, b: ObjectReference): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  a.namespace === b.namespace &&
  groupPart(a.apiVersion) === groupPart(b.apiVersion);

const groupPart = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
