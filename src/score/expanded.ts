/** The texts of a spec in which placeholders mean something; everywhere else `${` is plain text. */
import { isList, isRecord, own, type Json, type JsonRecord } from "../model/json.ts";

export interface ExpandedText {
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly kind: "variable" | "content" | "volume" | "param";
}

/** Only texts with a `$` in them. A part of the spec that has another shape than the schema's is passed over. */
export function expandedTexts(spec: JsonRecord): ExpandedText[] {
  const found: ExpandedText[] = [];
  const add = (value: Json | undefined, kind: ExpandedText["kind"], path: ExpandedText["path"]) => {
    if (typeof value === "string") {
      if (value.includes("$")) found.push({ path, text: value, kind });
    } else if (kind === "param" && isList(value)) {
      for (const [index, item] of value.entries()) add(item, kind, [...path, index]);
    } else if (kind === "param" && isRecord(value)) {
      for (const [key, child] of Object.entries(value)) add(child, kind, [...path, key]);
    }
  };

  for (const [name, container] of recordsIn(own(spec, "containers"))) {
    const at = ["containers", name];
    for (const [key, value] of entriesIn(own(container, "variables"))) {
      add(value, "variable", [...at, "variables", key]);
    }
    for (const [key, file] of recordsIn(own(container, "files"))) {
      if (own(file, "noExpand") === true) continue;
      add(own(file, "content"), "content", [...at, "files", key, "content"]);
    }
    for (const [key, volume] of recordsIn(own(container, "volumes"))) {
      add(own(volume, "source"), "volume", [...at, "volumes", key, "source"]);
    }
  }
  for (const [name, resource] of recordsIn(own(spec, "resources"))) {
    add(own(resource, "params"), "param", ["resources", name, "params"]);
  }
  return found;
}

export const entriesIn = (value: Json | undefined): [string, Json][] =>
  isRecord(value) ? Object.entries(value) : [];

export const recordsIn = (value: Json | undefined): [string, JsonRecord][] =>
  entriesIn(value).flatMap(([key, child]): [string, JsonRecord][] =>
    isRecord(child) ? [[key, child]] : [],
  );
