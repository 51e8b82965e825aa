/**
 * Older ways to write a spec → the one the schema has: score-go's upgrade transforms and, in the
 * default mode, what upstream's older files do. Every change leaves a warning that shows the modern
 * form, and a way back from the new path to where the text stands.
 */
import type { ParsedDocument } from "../document/file.ts";
import { isList, isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import {
  draftOf,
  finish,
  mapChild,
  mapEach,
  move,
  warn,
  without,
  type Draft,
  type Path,
  type Upgraded,
} from "./draft.ts";
import { expandedTexts } from "./expanded.ts";
import { placeholdersIn } from "./placeholders.ts";
import { withContainers } from "./upgrade-containers.ts";

/** Habits of older files, then the transforms. */
export function upgradeOlder(document: ParsedDocument): Upgraded {
  const draft = draftOf(document);
  const plain = withoutForeign(document.value, draft);
  const value = withModernReferences(withContainers(withParams(plain, draft), draft, true), draft);
  return finish(value, draft);
}

/** The deprecated list forms, which the schema accepts, as the mappings it prefers. */
export function upgradeLists(document: ParsedDocument): Upgraded {
  const draft = draftOf(document);
  return finish(withContainers(document.value, draft, false), draft);
}

const foreign = ["environment", "workflows", "kind"];

function withoutForeign(value: Json | undefined, draft: Draft): Json | undefined {
  if (!isRecord(value)) return value;
  const found = foreign.filter((key) => Object.hasOwn(value, key));
  for (const key of found) {
    warn(
      draft,
      [key],
      "foreign-field",
      `\`${key}\` is no part of Score, and is ignored`,
      "remove it",
    );
  }
  return found.length === 0 ? value : without(value, found);
}

function withParams(value: Json | undefined, draft: Draft): Json | undefined {
  return mapChild(value, "resources", (resources) =>
    mapEach(resources, (resource, name) => {
      const properties = own(resource, "properties");
      if (!isRecord(properties)) return resource;
      const at: Path = ["resources", name];
      const hint = `rename it: \`params: { ${Object.keys(properties).slice(0, 3).join(", ")}${Object.keys(properties).length > 3 ? ", …" : ""} }\``;
      warn(
        draft,
        [...at, "properties"],
        "older-field",
        "`properties` is now called `params`",
        hint,
      );
      const params = own(resource, "params");
      if (params !== undefined && !isRecord(params)) return resource;
      if (params === undefined) move(draft, [...at, "params"], [...at, "properties"]);
      for (const key of Object.keys(properties)) {
        move(draft, [...at, "params", key], [...at, "properties", key]);
      }
      return { ...without(resource, ["properties"]), params: { ...params, ...properties } };
    }),
  );
}

/** `${resources.x.outputs.k}` → `${resources.x.k}`. */
function withModernReferences(value: Json | undefined, draft: Draft): Json | undefined {
  if (!isRecord(value)) return value;
  let result: JsonRecord = value;
  const moved = finish(value, draft);
  for (const { path, text } of expandedTexts(value)) {
    if (!text.includes(".outputs.")) continue;
    let modern = "";
    let end = 0;
    for (const { reference, path: parts, offset } of placeholdersIn(text)) {
      if (parts[0] !== "resources" || parts[2] !== "outputs" || parts.length < 4) continue;
      const written = `\${${reference}}`;
      const meant = written.replace(".outputs.", ".");
      const message = `\`${written}\` is now written without \`outputs\``;
      warn(draft, moved.origin(path), "older-reference", message, `write \`${meant}\``);
      modern += text.slice(end, offset) + meant;
      end = offset + written.length;
    }
    if (end > 0) result = replaceAt(result, path, modern + text.slice(end));
  }
  return result;
}

function replaceAt(record: JsonRecord, path: Path, text: string): JsonRecord {
  const replace = (here: Json, depth: number): Json => {
    if (depth === path.length) return text;
    const part = path[depth];
    if (isList(here))
      return here.map((it, index) => (index === part ? replace(it, depth + 1) : it));
    if (!isRecord(here)) return here;
    return Object.fromEntries(
      Object.entries(here).map(([key, it]) => [key, key === part ? replace(it, depth + 1) : it]),
    );
  };
  const replaced = replace(record, 0);
  return isRecord(replaced) ? replaced : record;
}
