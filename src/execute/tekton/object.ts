/**
 * Gets hold of the one object that belongs to an attempt, whatever happened to earlier tries at it:
 * made once, found again, never taken for another's (E16–E19).
 */
import type { JsonRecord } from "../../model/json.ts";
import { isUnanswered, KubeError } from "../kube/kube-error.ts";
import type { Engine } from "./engine.ts";
import type { Note } from "./note.ts";
import { annotation, type Owner } from "./pipeline-run.ts";
import type { PipelineRun } from "./status.ts";

export type Held =
  | { readonly kind: "created" | "adopted" | "known"; readonly object: PipelineRun }
  /** Somebody else's object has the name; it is left alone. */
  | { readonly kind: "conflict" }
  /** It was there, and somebody removed or replaced it. */
  | { readonly kind: "gone" }
  /** Nothing was made, and it is too late to. */
  | { readonly kind: "late" };

/**
 * @param manifest what to create where nothing was made yet; `undefined`: only look, it is too late
 * @throws {KubeError} refused, or nobody answered: ask again
 */
export async function holdObject(
  engine: Engine,
  note: Note,
  owner: Owner,
  manifest: JsonRecord | undefined,
): Promise<Held> {
  if (note.uid !== null) {
    const object = await engine.read(note);
    if (object === undefined || object.metadata.uid !== note.uid) return { kind: "gone" };
    return { kind: "known", object };
  }
  if (manifest === undefined) {
    const object = await engine.read(note);
    if (object === undefined) return { kind: "late" };
    return isOurs(object, note, owner) ? { kind: "adopted", object } : { kind: "conflict" };
  }
  try {
    return { kind: "created", object: await engine.create(note.namespace, manifest) };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.reason !== "AlreadyExists" && !isUnanswered(error)) throw error;
    // E17, E18: the name is taken, or nobody answered: what stands there now decides.
    const object = await engine.read(note);
    if (object === undefined) throw error;
    return isOurs(object, note, owner) ? { kind: "adopted", object } : { kind: "conflict" };
  }
}

/** E17: of this run, step and attempt, and asking for the same. */
export function isOurs(
  { metadata }: PipelineRun,
  note: Note,
  { run, step, attempt }: Owner,
): boolean {
  const said = metadata.annotations;
  return (
    said[annotation.run] === run &&
    said[annotation.step] === step &&
    said[annotation.attempt] === String(attempt) &&
    said[annotation.specHash] === note.specHash
  );
}
