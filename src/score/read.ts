/** One Score document → the workload it describes and the resources it asks for, or every mistake in it. */
import { checkValue, type Where } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import { isRecord, own, toPointer, type Json, type JsonRecord } from "../model/json.ts";
import { byPlace, compareText, isError, type Checked } from "../model/problem.ts";
import { readAnnotations } from "./annotations.ts";
import { conflictsIn } from "./conflicts.ts";
import { checkMeaning } from "./meaning.ts";
import { scoreSchema } from "./schema.ts";
import type { Upgraded } from "./draft.ts";
import { upgradeLists, upgradeOlder } from "./upgrade.ts";
import type { ResourceRequest, Workload } from "./workload.ts";

/** `strict` is exactly the official schema; `default` understands what older files do, with a warning. */
export type Mode = "default" | "strict";

/**
 * By its `apiVersion`, whatever the version; a document without one, or with a wrong one, counts
 * where it has `containers` as only Score has them: a slip there must not make a spec vanish (law 1).
 */
export function isScore(value: Json | undefined): boolean {
  if (!isRecord(value)) return false;
  const version = own(value, "apiVersion");
  if (typeof version === "string" && /^score\b/i.test(version)) return true;
  if (!isRecord(own(value, "containers"))) return false;
  return typeof version !== "string" || own(value, "kind") === undefined;
}

/** @param overrides files of which parts are merged into the document */
export function readWorkload(
  document: ParsedDocument,
  mode: Mode,
  overrides: readonly string[] = [],
): Checked<Workload> {
  const upgraded = mode === "strict" ? upgradeLists(document) : upgradeOlder(document);
  const where = placesIn(document, upgraded);
  // The schema accepts lists too, and only it says what is strictly right: it sees what was written.
  const checked =
    mode === "strict"
      ? checkValue(document.value, scoreSchema, (path) => ({
          place: document.at(path),
          pointer: toPointer(path),
        }))
      : checkValue(upgraded.value, scoreSchema, where);

  const spec = isRecord(upgraded.value) ? upgraded.value : {};
  const annotations = readAnnotations(spec, where);
  const problems = [
    ...upgraded.problems,
    ...checked.problems,
    ...annotations.problems,
    ...checkMeaning(spec, where),
  ];
  if (!checked.ok || problems.some(isError)) {
    return { ok: false, problems: problems.toSorted(byPlace) };
  }

  const { metadata, resources = {} } = checked.value;
  const { identity = metadata.name } = annotations;
  const requests = Object.entries(resources)
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([name, resource]): ResourceRequest => {
      const written = recordAt(spec, ["resources", name]);
      return {
        name,
        type: resource.type,
        class: resource.class ?? "default",
        id: resource.id,
        metadata: recordAt(written, ["metadata"]),
        params: recordAt(written, ["params"]),
        protect: annotations.protects(name),
        hold: annotations.holds(name),
        ...placesOf(name, where),
      };
    });
  const workload: Workload = {
    name: metadata.name,
    identity,
    metadata: recordAt(spec, ["metadata"]) ?? {},
    spec,
    resources: requests,
    ...placeOfName(where),
    document,
    overrides,
  };
  // Private identities differ by their names: only an id can meet another.
  const conflicts = requests.some((it) => it.id !== undefined)
    ? conflictsIn(requests.map((request) => ({ workload, request })))
    : [];
  const all = [...problems, ...conflicts].toSorted(byPlace);
  return conflicts.some(isError)
    ? { ok: false, problems: all }
    : { ok: true, value: workload, problems: all };
}

function recordAt(value: JsonRecord | undefined, path: readonly string[]): JsonRecord | undefined {
  let here: Json | undefined = value;
  for (const key of path) here = isRecord(here) ? own(here, key) : undefined;
  return isRecord(here) ? here : undefined;
}

// In functions of their own: what they return keeps nothing alive but what it needs.

function placesIn(document: ParsedDocument, upgraded: Upgraded): Where {
  return (path) => {
    const written = upgraded.origin(path);
    return { place: document.at(written), pointer: toPointer(written) };
  };
}

function placesOf(name: string, where: Where): Pick<ResourceRequest, "placeOf" | "pointerOf"> {
  return {
    placeOf: (path = []) => where(["resources", name, ...path]).place,
    pointerOf: (path) => where(["resources", name, ...path]).pointer,
  };
}

function placeOfName(where: Where): Pick<Workload, "placeOf"> {
  return { placeOf: () => where(["metadata", "name"]).place };
}
