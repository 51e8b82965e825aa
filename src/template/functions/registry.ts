/** Every function a template may call, by name. */
import type { Call, FunctionTable, TemplateFunction } from "./call.ts";
import { refuse } from "./call.ts";
import { collection } from "./collection.ts";
import { encode } from "./encode.ts";
import { logic } from "./logic.ts";
import { number } from "./number.ts";
import { quote } from "./quote.ts";
import { regex } from "./regex.ts";
import { text } from "./text.ts";
import type { Command } from "../syntax.ts";
import { entry, type Value } from "../value.ts";

/** The reserved key of a rendering's data: rendering has no clock (it is pure). */
const nowKey = "now";

const time: FunctionTable = {
  now: {
    min: 0,
    max: 0,
    run: (_: readonly Value[], call: Call) => {
      const now = entry(call.data, nowKey);
      if (typeof now === "string") return now;
      throw refuse(call, "there is no time to render with here", "leave it out");
    },
  },
};

const functions = new Map<string, TemplateFunction>(
  [logic, text, collection, number, encode, quote, regex, time].flatMap((it) => Object.entries(it)),
);

export const functionNamed = (name: string): TemplateFunction | undefined => functions.get(name);

/** Whether argument `index` may be a path whose last part is missing; what is piped in comes last. */
export function tolerates({ first, rest }: Command, index: number, piped: boolean): boolean {
  const rule = first.kind === "function" ? functionNamed(first.name)?.tolerates : undefined;
  if (rule === undefined || rule === "all") return rule === "all";
  return rule === "first" ? index === 0 : index === rest.length - (piped ? 0 : 1);
}

/** The function whose name differs by case or by at most two letters, if there is one. */
export function nearestFunction(name: string): string | undefined {
  if (name.length > 30) return undefined;
  const lower = name.toLowerCase();
  const limit = Math.min(2, Math.floor(name.length / 3));
  return [...functions.keys()]
    .map((known) => ({ known, distance: distance(lower, known.toLowerCase()) }))
    .filter((it) => it.distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)[0]?.known;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j += 1) {
      const same = char === b.charAt(j - 1) ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
