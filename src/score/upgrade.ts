/**
 * Older ways to write a spec → the one the schema has: score-go's upgrade transforms and, in the
 * default mode, what upstream's older files do. Every change leaves a warning that shows the modern
 * form, and a way back from the new path to where the text stands.
 */
import type { ParsedDocument } from "../document/file.ts";
import { isList, isRecord, own, toPointer, type Json, type JsonRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";
import { expandedTexts } from "./expanded.ts";
import { placeholdersIn } from "./placeholders.ts";

type Path = readonly (string | number)[];

export interface Upgraded {
  readonly value: Json | undefined;
  readonly problems: readonly Problem[];
  /** Path in the document of what stands at a path in `value`. */
  origin(path: readonly PropertyKey[]): readonly PropertyKey[];
}

/** A draft of the document, changed step by step; lives for one call. */
interface Draft {
  readonly document: ParsedDocument;
  readonly moved: Map<string, Path>;
  readonly problems: Problem[];
}

/** Habits of older files, then the transforms. */
export function upgradeOlder(document: ParsedDocument): Upgraded {
  const draft: Draft = { document, moved: new Map(), problems: [] };
  const plain = withoutForeign(document.value, draft);
  const value = withModernReferences(withContainers(withParams(plain, draft), draft, true), draft);
  return finish(value, draft);
}

/** The deprecated list forms, which the schema accepts, as the mappings it prefers. */
export function upgradeLists(document: ParsedDocument): Upgraded {
  const draft: Draft = { document, moved: new Map(), problems: [] };
  return finish(withContainers(document.value, draft, false), draft);
}

function finish(value: Json | undefined, { moved, problems }: Draft): Upgraded {
  const origin: Upgraded["origin"] = (path) => {
    if (moved.size === 0) return path;
    for (let length = path.length; length > 0; length--) {
      const from = moved.get(toPointer(path.slice(0, length)));
      if (from !== undefined) return [...from, ...path.slice(length)];
    }
    return path;
  };
  return { value, problems, origin };
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

function withContainers(value: Json | undefined, draft: Draft, older: boolean): Json | undefined {
  return mapChild(value, "containers", (containers) =>
    mapEach(containers, (container, name) => {
      const at: Path = ["containers", name];
      const modern = older
        ? withVariables(withoutPorts(container, at, draft), at, draft)
        : container;
      const files = withMapping(modern, "files", at, draft, older);
      return withMapping(files, "volumes", at, draft, older);
    }),
  );
}

function withoutPorts(container: JsonRecord, at: Path, draft: Draft): JsonRecord {
  if (!Object.hasOwn(container, "ports")) return container;
  const message = "`ports` of a container is no part of Score, and is ignored";
  const hint = "name the port under `service`: `service: { ports: { http: { port: 8080 } } }`";
  warn(draft, [...at, "ports"], "foreign-field", message, hint);
  return without(container, ["ports"]);
}

function withVariables(container: JsonRecord, at: Path, draft: Draft): JsonRecord {
  const env = own(container, "env");
  if (env === undefined) return container;
  const entries = isRecord(env)
    ? Object.entries(env).map(([key, value]) => ({ key, value, from: [...at, "env", key] }))
    : listedVariables(env, [...at, "env"]);
  if (entries === undefined) return container;
  const [first] = entries;
  const example = first === undefined ? "…" : `${first.key}: …`;
  const hint = `rename it: \`variables: { ${example} }\``;
  warn(draft, [...at, "env"], "older-field", "`env` is now called `variables`", hint);
  const variables = own(container, "variables");
  if (variables !== undefined && !isRecord(variables)) return container;
  const added = entries.filter(
    ({ key }) => variables === undefined || !Object.hasOwn(variables, key),
  );
  if (variables === undefined) move(draft, [...at, "variables"], [...at, "env"]);
  for (const { key, from } of added) move(draft, [...at, "variables", key], from);
  const all = [
    ...Object.entries(variables ?? {}),
    ...added.map(({ key, value }): [string, Json] => [key, value]),
  ];
  return { ...without(container, ["env"]), variables: Object.fromEntries(all) };
}

/** The list of `{ name, value }` that Kubernetes has; `undefined` when it is something else. */
function listedVariables(env: Json, at: Path) {
  if (!isList(env)) return undefined;
  const entries = env.flatMap((item, index) => {
    const key = isRecord(item) ? own(item, "name") : undefined;
    const value = isRecord(item) ? own(item, "value") : undefined;
    if (typeof key !== "string" || value === undefined) return [];
    return [{ key, value, from: [...at, index, "value"] }];
  });
  return entries.length === env.length ? entries : undefined;
}

/** `files` and `volumes` as a list of entries with a `target` → a mapping by it. */
function withMapping(
  container: JsonRecord,
  field: "files" | "volumes",
  at: Path,
  draft: Draft,
  older: boolean,
): JsonRecord {
  const list = own(container, field);
  if (!isList(list) || !list.every(isRecord)) return container;
  const from: Path = [...at, field];
  const entries = new Map<string, Json>();
  const before = draft.problems.length;
  for (const [index, item] of list.entries()) {
    const target = own(item, "target");
    if (target !== undefined && typeof target !== "string") return container;
    if (target === undefined || entries.has(target)) {
      const code = target === undefined ? "missing-target" : "duplicate-target";
      const message =
        target === undefined
          ? `an entry of the list \`${field}\` has no \`target\``
          : `the target \`${target}\` stands twice in \`${field}\``;
      const hint = `write \`${field}\` as a mapping from target to entry`;
      refuse(draft, [...from, index, "target"], code, message, hint);
      continue;
    }
    const modern = older ? withModernEntry(item, [...from, index], draft) : item;
    move(draft, [...from, target], [...from, index]);
    entries.set(target, without(modern, ["target"]));
  }
  if (draft.problems.slice(before).some((it) => it.severity === "error")) return container;
  const [first = "/path"] = entries.keys();
  const message = `the list form of \`${field}\` is deprecated`;
  warn(
    draft,
    from,
    "deprecated-list",
    message,
    `write a mapping: \`${field}: { ${first}: { … } }\``,
  );
  return { ...container, [field]: Object.fromEntries(entries) };
}

/** Only in lists, as score-go has it: `content` as lines, and `read_only`. */
function withModernEntry(item: JsonRecord, at: Path, draft: Draft): JsonRecord {
  let modern = item;
  const content = own(item, "content");
  if (isList(content) && content.every((it) => typeof it === "string")) {
    const hint = "write one text: `content: |`";
    warn(
      draft,
      [...at, "content"],
      "older-field",
      "`content` is now one text, no list of lines",
      hint,
    );
    modern = { ...modern, content: content.join("\n") };
  }
  const readOnly = own(item, "read_only");
  if (typeof readOnly === "boolean" && !Object.hasOwn(item, "readOnly")) {
    const hint = `rename it: \`readOnly: ${readOnly}\``;
    warn(draft, [...at, "read_only"], "older-field", "`read_only` is now called `readOnly`", hint);
    modern = { ...without(modern, ["read_only"]), readOnly };
  }
  return modern;
}

/** `${resources.x.outputs.k}` → `${resources.x.k}`. */
function withModernReferences(value: Json | undefined, draft: Draft): Json | undefined {
  if (!isRecord(value)) return value;
  let result: JsonRecord = value;
  const moved = finish(value, draft);
  for (const { path, text } of expandedTexts(value)) {
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

const without = (record: JsonRecord, keys: readonly string[]): JsonRecord =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));

function mapChild(
  value: Json | undefined,
  key: string,
  change: (child: JsonRecord) => JsonRecord,
): Json | undefined {
  const child = isRecord(value) ? own(value, key) : undefined;
  if (!isRecord(value) || !isRecord(child)) return value;
  const changed = change(child);
  return changed === child ? value : { ...value, [key]: changed };
}

/** The same record when nothing changed: an ordinary spec is never copied. */
function mapEach(
  record: JsonRecord,
  change: (child: JsonRecord, key: string) => JsonRecord,
): JsonRecord {
  let changed = false;
  const entries = Object.entries(record).map(([key, child]): [string, Json] => {
    const result = isRecord(child) ? change(child, key) : child;
    changed ||= result !== child;
    return [key, result];
  });
  return changed ? Object.fromEntries(entries) : record;
}

const move = (draft: Draft, to: Path, from: Path) => draft.moved.set(toPointer(to), from);

function warn(
  draft: Draft,
  path: readonly PropertyKey[],
  code: string,
  message: string,
  hint: string,
): void {
  draft.problems.push(problemAt(draft, path, code, "warning", message, hint));
}

function refuse(draft: Draft, path: Path, code: string, message: string, hint: string): void {
  draft.problems.push(problemAt(draft, path, code, "error", message, hint));
}

const problemAt = (
  { document }: Draft,
  path: readonly PropertyKey[],
  code: string,
  severity: Problem["severity"],
  message: string,
  hint: string,
): Problem => ({
  ...document.at(path),
  pointer: toPointer(path),
  code: `score/${code}`,
  severity,
  message,
  hint,
});
