/** Functions on lists and maps. A key or place that is not there is an error, never `<no value>`. */
import { printed } from "../format.ts";
import {
  type Value,
  describe,
  entry,
  equal,
  isList,
  isMap,
  mapOf,
  sortedKeys,
  sortedText,
} from "../value.ts";
import { type Call, type FunctionTable, countOf, listOf, mapAt, refuse, textOf } from "./call.ts";

export const collection: FunctionTable = {
  len: {
    min: 1,
    max: 1,
    run: ([it], call) => {
      if (typeof it === "string") return BigInt(Buffer.byteLength(it));
      if (isList(it)) return BigInt(it.length);
      if (isMap(it)) return BigInt(Object.keys(it).length);
      throw refuse(call, `${describe(it ?? null)} has no length`, "use it on text, lists and maps");
    },
  },
  index: {
    min: 1,
    max: Infinity,
    constant: true,
    run: ([first, ...path], call) =>
      path.reduce<Value | undefined>((it, key) => at(it, key, call), first),
  },
  slice: { min: 1, max: 4, run: slice },
  list: { min: 0, max: Infinity, constant: true, run: (args) => args },
  dict: {
    min: 0,
    max: Infinity,
    constant: true,
    run: (args, call) => {
      if (args.length % 2 === 1) throw refuse(call, "a key without a value", "give pairs");
      const pairs = args.flatMap((value, index): [string, Value][] =>
        index % 2 === 0 ? [] : [[textOf(args, index - 1, call), value]],
      );
      return mapOf(pairs);
    },
  },
  get: {
    min: 2,
    max: 2,
    constant: true,
    run: (args, call) => at(mapAt(args, 0, call), textOf(args, 1, call), call),
  },
  hasKey: {
    min: 2,
    max: 2,
    tolerates: "first",
    constant: true,
    run: (args, call) => Object.hasOwn(mapAt(args, 0, call), textOf(args, 1, call)),
  },
  keys: {
    min: 1,
    max: Infinity,
    run: (args, call) =>
      sortedText(args.flatMap((_, index) => Object.keys(mapAt(args, index, call)))),
  },
  values: {
    min: 1,
    max: 1,
    run: (args, call) => {
      const map = mapAt(args, 0, call);
      return sortedKeys(map).map((key) => map[key] ?? null);
    },
  },
  first: { min: 1, max: 1, constant: true, run: (args, call) => listOf(args, 0, call)[0] ?? null },
  last: {
    min: 1,
    max: 1,
    constant: true,
    run: (args, call) => listOf(args, 0, call).at(-1) ?? null,
  },
  uniq: {
    min: 1,
    max: 1,
    run: (args, call) => {
      const kept: Value[] = [];
      for (const item of listOf(args, 0, call)) {
        call.budget.spend(kept.length, call.offset);
        if (!kept.some((it) => equal(it, item))) kept.push(item);
      }
      return kept;
    },
  },
  sortAlpha: {
    min: 1,
    max: 1,
    run: (args, call) => sortedText(listOf(args, 0, call).map(printed)),
  },
  has: {
    min: 2,
    max: 2,
    run: (args, call) => listOf(args, 1, call).some((it) => equal(it, args[0] ?? null)),
  },
};

function at(value: Value | undefined, key: Value, call: Call): Value | undefined {
  if (value === undefined)
    throw refuse(call, "a key on the way is missing", "test it with if before");
  if (isMap(value)) {
    if (typeof key !== "string") throw refuse(call, "a map's key is text", "use toString");
    return entry(value, key);
  }
  if (!isList(value) && typeof value !== "string") {
    throw refuse(call, `cannot look into ${describe(value)}`, "use it on lists and maps");
  }
  const place = countOf([key], 0, call);
  const byte = isList(value) ? undefined : Buffer.from(value)[place];
  const found = isList(value) ? value[place] : byte === undefined ? undefined : BigInt(byte);
  if (found !== undefined) return found;
  throw refuse(call, "there is nothing at that place of the list", "places count from 0");
}

function slice(args: readonly Value[], call: Call): Value {
  const value: Value = args[0] ?? null;
  const bytes = typeof value === "string" ? Buffer.from(value) : undefined;
  const items = bytes ?? (isList(value) ? value : undefined);
  if (items === undefined || (bytes !== undefined && args.length > 3)) {
    throw refuse(call, `cannot slice ${describe(value)}`, "use it on text and lists");
  }
  const from = args.length > 1 ? countOf(args, 1, call) : 0;
  const to = args.length > 2 ? countOf(args, 2, call) : items.length;
  const limit = args.length > 3 ? countOf(args, 3, call) : items.length;
  if (from < 0 || from > to || to > limit || limit > items.length) {
    throw refuse(call, "its places are outside of the value", "places count from 0 to the length");
  }
  if (bytes === undefined) return isList(value) ? value.slice(from, to) : null;
  const part = bytes.subarray(from, to).toString();
  if (Buffer.byteLength(part) === to - from && Buffer.from(part).equals(bytes.subarray(from, to))) {
    return part;
  }
  throw refuse(call, "it would cut a character in two", "places count bytes of UTF-8");
}
