/** A plan's changes as people may see them: field by field, and sensitive values as that word (law 7). */
import { escapePointer, isList, isRecord, type Json } from "../../model/json.ts";
import type { Change } from "../../model/plan.ts";
import type { Uid } from "../../model/uid.ts";
import { clip, visible } from "./visible.ts";

/** Whether the param of a resource that a JSON pointer names is marked sensitive by a workflow. */
export type IsSensitive = (uid: Uid, path: string) => boolean;

const concealed = "(sensitive)";

/** The change without sensitive values, be they the field, something it is in, or something in it. */
export function conceal(uid: Uid, change: Change, isSensitive: IsSensitive): Change {
  const hide = (value: Json | undefined): Json | undefined => {
    if (value === undefined) return undefined;
    return ancestors(change.path).some((path) => isSensitive(uid, path))
      ? concealed
      : concealInside(value, change.path, (path) => isSensitive(uid, path));
  };
  return { path: change.path, from: hide(change.from), to: hide(change.to) };
}

function concealInside(value: Json, path: string, isSensitive: (path: string) => boolean): Json {
  if (isSensitive(path)) return concealed;
  if (isList(value)) {
    return value.map((item, index) => concealInside(item, `${path}/${index}`, isSensitive));
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    concealInside(item, `${path}/${escapePointer(key)}`, isSensitive),
  ]);
  return Object.fromEntries(entries);
}

function ancestors(path: string): string[] {
  const parts = path.split("/").slice(1);
  return parts.map((_, index) => `/${parts.slice(0, index).join("/")}`).slice(1);
}

/** One row per leaf: a record that appears or goes as a whole is told by its fields. */
export function flatten(change: Change): Change[] {
  const { path, from, to } = change;
  const whole = from ?? to;
  if ((from !== undefined && to !== undefined) || !isRecord(whole)) return [change];
  const keys = Object.keys(whole).toSorted();
  if (keys.length === 0 && path !== "") return [change];
  return keys.flatMap((key) => {
    const value = whole[key];
    const field = `${path}/${escapePointer(key)}`;
    return flatten(
      from === undefined
        ? { path: field, from: undefined, to: value }
        : { path: field, from: value, to: undefined },
    );
  });
}

/** `/network/cidr` as `network.cidr`; a key with a dot of its own is quoted. */
export function fieldName(path: string): string {
  if (path === "") return "params";
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^[^\s.":]+$/.test(part) ? part : JSON.stringify(part)));
  return clip(visible(parts.join(".")), 120);
}

/** JSON, but for strings that cannot be taken for anything else, which stand bare. */
export function showValue(value: Json): string {
  const bare = typeof value === "string" && /^[A-Za-z_$(/][^\s"']*$/.test(value) && !isWord(value);
  return clip(visible(bare ? value : JSON.stringify(value)), 160);
}

const isWord = (text: string): boolean => ["true", "false", "null"].includes(text);

/** `size: small → medium`, `+ size: small`, `- size: small`. */
export function changeLine(change: Change): string {
  const name = fieldName(change.path);
  if (change.from === undefined) return `+ ${name}: ${showValue(change.to ?? null)}`;
  if (change.to === undefined) return `- ${name}: ${showValue(change.from)}`;
  return `${name}: ${showValue(change.from)} → ${showValue(change.to)}`;
}
