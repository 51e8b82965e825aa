/**
 * regexMatch and regexReplaceAll on JavaScript's engine, which backtracks where Go's does not. So:
 * only what Go's engine knows too, no repetition of a repetition or of alternatives, and a text
 * short enough for the pattern's number of repetitions (10 million places tried at most).
 */
import { type Call, type FunctionTable, refuse, textOf } from "./call.ts";
import { checkSize } from "./text.ts";

const maxPattern = 500;
const maxTries = 10_000_000;

export const regex: FunctionTable = {
  regexMatch: {
    min: 2,
    max: 2,
    run: (args, call) => {
      const it = textOf(args, 1, call);
      return compile(textOf(args, 0, call), it, call).test(it);
    },
  },
  regexReplaceAll: {
    min: 3,
    max: 3,
    run: (args, call) => {
      const [it, replacement] = [textOf(args, 1, call), textOf(args, 2, call)];
      checkSize((it.length + 1) * (replacement.length + 1), call);
      const pattern = compile(textOf(args, 0, call), it, call);
      return it.replace(pattern, (...groups: unknown[]) => expand(replacement, groups));
    },
  },
};

function compile(pattern: string, text: string, call: Call): RegExp {
  if (pattern.length > maxPattern) throw refuse(call, "pattern is too long", "use a shorter one");
  const shape = pattern.replace(/\\./gs, "x").replace(/\[\^?\]?[^\]]*\]/g, "x");
  if (/\(\?(?!:|P?<[A-Za-z])/.test(shape) || /\\[1-9k]/.test(pattern)) {
    throw refuse(
      call,
      "lookaround, flags and backreferences are not supported",
      "use a simpler pattern",
    );
  }
  if (repeatsRepetition(shape)) {
    throw refuse(
      call,
      "a repeated group holds a repetition or alternatives",
      "use a simpler pattern",
    );
  }
  const repetitions = shape.match(/[*+?]|\{\d+(?:,\d*)?\}/g)?.length ?? 0;
  const tries = (text.length + 1) ** (Math.min(repetitions, 50) + 1);
  // A `?` and a repetition over few characters are cheap: what counts is the power of the length.
  if (repetitions > 0 && tries > maxTries && !isLinear(shape)) {
    throw refuse(
      call,
      "text is too long for a pattern with so many repetitions",
      "use a simpler pattern",
    );
  }
  call.budget.spend(Math.ceil(Math.min(tries, maxTries) / 1000), call.offset);
  try {
    return new RegExp(pattern.replaceAll("(?P<", "(?<"), "gu");
  } catch {
    throw refuse(call, "not a regular expression", "see Go's regexp syntax");
  }
}

/** `^`, then single characters and classes of which one at most is repeated without a bound. */
const isLinear = (shape: string): boolean =>
  shape.startsWith("^") &&
  (shape.match(/[*+]|\{\d+,\}/g)?.length ?? 0) <= 1 &&
  !shape.includes("?");

/** `shape` has neither escapes nor classes any more. A group with `?` only repeats nothing. */
function repeatsRepetition(shape: string): boolean {
  const inner: boolean[] = [];
  for (let at = 0; at < shape.length; at += 1) {
    const char = shape.charAt(at);
    if (char === "(") {
      inner.push(false);
      if (shape.charAt(at + 1) === "?") at += 1;
      continue;
    }
    if ("*+?{|".includes(char) && inner.length > 0) inner[inner.length - 1] = true;
    if (char !== ")") continue;
    const variable = inner.pop() ?? false;
    const next = shape.charAt(at + 1);
    if (variable && "*+{".includes(next) && next !== "") return true;
    if (variable && inner.length > 0) inner[inner.length - 1] = true;
  }
  return false;
}

/** Go's `$1`, `${1}` and `${name}`; a group that is not there is nothing. */
function expand(replacement: string, groups: readonly unknown[]): string {
  const last = groups.at(-1);
  const named = typeof last === "object" && last !== null ? Object.entries(last) : [];
  return replacement.replace(
    /\$(?:\$|\{(\w+)\}|(\w+))/g,
    (_, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return "$";
      const isNumber = /^\d+$/.test(name);
      const group: unknown = isNumber
        ? groups[Number(name)]
        : named.find(([it]) => it === name)?.[1];
      return typeof group === "string" ? group : "";
    },
  );
}
