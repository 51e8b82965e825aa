/** What a Score spec comes to: a workload, and the resources it asks for with their identities. */
import type { ParsedDocument } from "../document/file.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Place } from "../model/problem.ts";
import { formatUid, type Uid } from "../model/uid.ts";

export interface ResourceRequest {
  readonly name: string;
  readonly type: string;
  readonly class: string;
  /** `undefined`: private to the workload. */
  readonly id: string | undefined;
  readonly metadata: JsonRecord | undefined;
  readonly params: JsonRecord | undefined;
  readonly protect: boolean;
  readonly hold: boolean;
  /**
   * Of the resource, or of a path within it, like `["params", "size"]`; of the nearest parent where
   * it is missing. Worked out when it is asked for: most specs have no problem.
   */
  placeOf(path?: readonly PropertyKey[]): Place;
  /** Pointer into the document of such a path, as it is written there. */
  pointerOf(path: readonly PropertyKey[]): string;
}

export interface Workload {
  readonly name: string;
  /** `innominatus.dev/id`, or the name: what its resources' uids are made of (law 3). */
  readonly identity: string;
  readonly metadata: JsonRecord;
  /** The whole document, in its modern form. */
  readonly spec: JsonRecord;
  /** Sorted by name. */
  readonly resources: readonly ResourceRequest[];
  /** Of its name. */
  placeOf(): Place;
  readonly document: ParsedDocument;
  /** Files of what an environment changed of it, beside the document's own. */
  readonly overrides: readonly string[];
}

export const uidOf = (workload: Workload, request: ResourceRequest): Uid =>
  formatUid(request.type, request.class, request.id ?? `${workload.identity}.${request.name}`);
