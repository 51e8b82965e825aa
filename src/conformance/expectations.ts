/** What a check expects of a run and of its outputs, and the words for what it found instead. */
import { canonical, type JsonRecord } from "../model/json.ts";
import { compareText } from "../model/problem.ts";
import type { RunOperation } from "../model/run.ts";
import { CheckFailure } from "./check-list.ts";
import type { Ended, Outputs, ScratchResource } from "./scratch-resource.ts";

type Done = Extract<Ended, { readonly state: "done" }>;

export async function expectDone(ending: Promise<Ended>, operation: RunOperation): Promise<Done> {
  return expectGood(await ending, `${operation} failed`);
}

export function expectGood(ended: Ended, what: string): Done {
  if (ended.state === "done") return ended;
  const hint = ended.hint === undefined ? "" : ` (${ended.hint})`;
  throw new CheckFailure(`${what}: ${ended.message}${hint}`);
}

export async function expectExists(
  resource: ScratchResource,
  params: JsonRecord,
  expected: boolean,
  within: "observe" | "delete",
): Promise<void> {
  const { outputs } = expectGood(await resource.observe(params, within), "observe failed");
  const { exists } = outputs.values;
  if (exists === undefined) {
    throw new CheckFailure(
      "observe has no output `exists`, which says whether the resource is there",
    );
  }
  const found = exists !== false && exists !== "false" && exists !== "";
  if (found === expected) return;
  throw new CheckFailure(
    expected
      ? `observe says that it does not exist (exists: ${JSON.stringify(exists)})`
      : `observe says that it exists (exists: ${JSON.stringify(exists)})`,
  );
}

/** Values of secrets are not shown. */
export function expectSame(before: Outputs, after: Outputs, what: string): void {
  const names = new Set([...Object.keys(before.values), ...Object.keys(after.values)]);
  const changed = [...names]
    .filter((name) => canonical(before.values[name]) !== canonical(after.values[name]))
    .toSorted(compareText);
  if (changed.length === 0) return;
  const shown = changed.map((name) => {
    if (before.sensitive.includes(name) || after.sensitive.includes(name))
      return `${name} (secret)`;
    return `${name} (first ${canonical(before.values[name])}, then ${canonical(after.values[name])})`;
  });
  throw new CheckFailure(`${what}: ${shown.join(", ")}`);
}
