/** Containers as older files have them → as the schema has them. */
import { isList, isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import { mapChild, mapEach, move, refuse, warn, without, type Draft, type Path } from "./draft.ts";

/** @param older whether habits of older files are understood too, or only the deprecated lists */
export function withContainers(
  value: Json | undefined,
  draft: Draft,
  older: boolean,
): Json | undefined {
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
