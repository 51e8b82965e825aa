/** Which outputs are secrets (law 7): those declared so, and those that contain a value known to be one. */
import { isList, isRecord, type Json, type JsonRecord } from "../model/json.ts";
import { compareText } from "../model/problem.ts";
import type { Masker } from "../secrets/mask.ts";
import { parseReference } from "../secrets/reference.ts";
import type { StepResult } from "./step-type.ts";

/**
 * The outputs with the names of the secret ones, sorted; what they hold is masked from here on.
 * What is built from a secret, such as a connection string, is one too, whatever it is called.
 */
export function withSecrets(
  outputs: JsonRecord,
  declared: (name: string) => boolean,
  masker: Masker,
): StepResult {
  const contains = (value: Json): boolean => textsIn(value).some((it) => masker.mask(it) !== it);
  const sensitive = Object.entries(outputs)
    .filter(([name, value]) => declared(name) || contains(value))
    .map(([name]) => name)
    .toSorted(compareText);
  const result = { outputs, sensitive };
  learn(result, masker);
  return result;
}

/** Makes the masker know a recorded result's secrets: after a restart, too, they never show. */
export function learn({ outputs, sensitive }: StepResult, masker: Masker): void {
  for (const name of sensitive) {
    if (isReference(outputs[name])) continue;
    const value = outputs[name] ?? null;
    for (const text of typeof value === "number" ? [String(value)] : textsIn(value))
      masker.add(text);
  }
}

/** A pointer at a secret may be shown; the value it points at was never here. */
const isReference = (value: Json | undefined): boolean =>
  typeof value === "string" && parseReference(value)?.kind === "k8s";

function textsIn(value: Json): string[] {
  if (isList(value)) return value.flatMap(textsIn);
  if (isRecord(value)) return Object.values(value).flatMap(textsIn);
  return typeof value === "string" ? [value] : [];
}
