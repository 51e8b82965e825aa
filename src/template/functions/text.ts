/** Functions on text: Go's print family and sprig's string functions. */
import { goQuote, printed, sprint, sprintln } from "../format.ts";
import { sprintf } from "../printf.ts";
import { type Value, charactersPerStep, isList, maxOutput } from "../value.ts";
import { type Call, type FunctionTable, countOf, listOf, refuse, textOf } from "./call.ts";

const on = (change: (text: string) => string) => ({
  min: 1,
  max: 1,
  run: (args: readonly Value[], call: Call) => change(textOf(args, 0, call)),
});

/** The subject comes last, as it is what gets piped in. */
const withOne = <T extends Value>(use: (option: string, text: string) => T) => ({
  min: 2,
  max: 2,
  run: (args: readonly Value[], call: Call) => use(textOf(args, 0, call), textOf(args, 1, call)),
});

export const text: FunctionTable = {
  print: { min: 0, max: Infinity, run: sprint },
  println: { min: 0, max: Infinity, run: sprintln },
  printf: {
    min: 1,
    max: Infinity,
    run: ([format, ...args], call) => {
      if (typeof format !== "string") throw refuse(call, "its format is no text", 'write "%s"');
      const result = sprintf(format, args);
      if (typeof result === "string") return result;
      throw refuse(call, result.wrong, "use %v, or match verbs and arguments");
    },
  },
  quote: { min: 0, max: Infinity, run: (args) => quoted(args, goQuote) },
  squote: { min: 0, max: Infinity, run: (args) => quoted(args, (it) => `'${it}'`) },
  upper: on((it) => mapCharacters(it, (char) => char.toUpperCase())),
  lower: on((it) => mapCharacters(it, (char) => char.toLowerCase())),
  title: on((it) =>
    it.replace(/(?<![\p{L}\p{Nd}_'])[\p{L}]/gu, (char) =>
      mapCharacters(char, (c) => c.toUpperCase()),
    ),
  ),
  trim: on((it) => it.trim()),
  nospace: on((it) => it.replace(/\s+/g, "")),
  trimAll: withOne((set, it) => trimSet(it, set)),
  trimSuffix: withOne((end, it) => (it.endsWith(end) ? it.slice(0, it.length - end.length) : it)),
  trimPrefix: withOne((start, it) => (it.startsWith(start) ? it.slice(start.length) : it)),
  contains: withOne((part, it) => it.includes(part)),
  hasPrefix: withOne((start, it) => it.startsWith(start)),
  hasSuffix: withOne((end, it) => it.endsWith(end)),
  splitList: withOne((separator, it) => (separator === "" ? Array.from(it) : it.split(separator))),
  trunc: {
    min: 2,
    max: 2,
    run: (args, call) => truncate(textOf(args, 1, call), countOf(args, 0, call)),
  },
  replace: {
    min: 3,
    max: 3,
    run: (args, call) => {
      const [from, to, it] = [textOf(args, 0, call), textOf(args, 1, call), textOf(args, 2, call)];
      const parts = from === "" ? ["", ...Array.from(it), ""] : it.split(from);
      checkSize(it.length + (parts.length - 1) * to.length, call);
      return parts.join(to);
    },
  },
  repeat: {
    min: 2,
    max: 2,
    run: (args, call) => {
      const count = countOf(args, 0, call);
      const it = textOf(args, 1, call);
      if (count < 0) throw refuse(call, "a negative count", "use 0 or more");
      checkSize(count * it.length, call);
      return it.repeat(count);
    },
  },
  join: {
    min: 2,
    max: 2,
    run: (args, call) => {
      const separator = textOf(args, 0, call);
      if (args[1] !== null && !isList(args[1])) return textOf(args, 1, call);
      const list = listOf(args, 1, call);
      checkSize(list.length * separator.length, call);
      return list
        .filter((it) => it !== null)
        .map(printed)
        .join(separator);
    },
  },
  indent: { min: 2, max: 2, run: (args, call) => indent(args, call) },
  nindent: { min: 2, max: 2, run: (args, call) => `\n${indent(args, call)}` },
};

/** Before a long text is made, not after. */
export function checkSize(length: number, call: Call): void {
  if (length > maxOutput) throw refuse(call, "its result is longer than 8 MiB", "render less");
  call.budget.spend(Math.floor(length / charactersPerStep), call.offset);
}

const quoted = (args: readonly Value[], quote: (text: string) => string): string =>
  args
    .filter((it) => it !== null)
    .map((it) => quote(printed(it)))
    .join(" ");

/** Character by character, so that ß stays: Go changes no text's length in characters. */
const mapCharacters = (it: string, change: (char: string) => string): string =>
  /^[ -~\n]*$/.test(it)
    ? change(it)
    : Array.from(it, (char) => (Array.from(change(char)).length === 1 ? change(char) : char)).join(
        "",
      );

function trimSet(it: string, set: string): string {
  const chars = Array.from(it);
  const trimmed = new Set(set);
  let start = 0;
  let end = chars.length;
  while (start < end && trimmed.has(chars[start] ?? "")) start += 1;
  while (end > start && trimmed.has(chars[end - 1] ?? "")) end -= 1;
  return chars.slice(start, end).join("");
}

/** Counts bytes, as sprig does, and keeps whole characters; a negative count keeps the end. */
function truncate(it: string, count: number): string {
  const bytes = Buffer.from(it);
  if (bytes.length <= Math.abs(count)) return it;
  let cut = count < 0 ? bytes.length + count : count;
  const inside = (at: number): boolean => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  while (cut > 0 && cut < bytes.length && inside(cut)) cut += count < 0 ? 1 : -1;
  return (count < 0 ? bytes.subarray(cut) : bytes.subarray(0, cut)).toString();
}

function indent(args: readonly Value[], call: Call): string {
  const width = countOf(args, 0, call);
  const it = textOf(args, 1, call);
  if (width < 0) throw refuse(call, "a negative width", "use 0 or more");
  const lines = it.split("\n");
  checkSize(it.length + lines.length * width, call);
  const pad = " ".repeat(width);
  return lines.map((line) => pad + line).join("\n");
}
