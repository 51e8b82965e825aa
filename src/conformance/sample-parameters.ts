/** Parameters for a run that nobody gave any for: the least that the workflows ask, and another value for the update. */
import type { Json, JsonRecord } from "../model/json.ts";
import type { Bundle, Parameter } from "../model/workflow.ts";
import { isEngineInput } from "../provider/engine-inputs.ts";

export interface SampleParameters {
  readonly create: JsonRecord;
  readonly update: JsonRecord;
}

/**
 * Required parameters get a value of their type; one with an enum, not immutable, changes in the
 * update. What is given wins.
 */
export function sampleParameters(
  { workflows }: Bundle,
  given: JsonRecord,
  update: JsonRecord | undefined,
): SampleParameters {
  const declared = [
    ...(workflows.create?.parameters ?? []),
    ...(workflows.update?.parameters ?? []),
  ];
  const required = declared.filter(
    (it) => it.required && it.default === undefined && !isEngineInput(it.name),
  );
  const sampled = Object.fromEntries(required.map((it) => [it.name, sampleOf(it)]));
  const create = { ...sampled, ...given };
  if (update !== undefined) return { create, update: { ...create, ...update } };
  const changeable = workflows.update?.parameters.find(
    (it) => !it.immutable && (it.enum?.length ?? 0) > 1,
  );
  const now = changeable && (create[changeable.name] ?? changeable.default);
  const other = changeable?.enum?.find((it) => it !== now);
  if (changeable === undefined || other === undefined) return { create, update: create };
  return { create, update: { ...create, [changeable.name]: other } };
}

function sampleOf({ type, enum: allowed }: Parameter): Json {
  const [first] = allowed ?? [];
  return first ?? samples[type];
}

const samples = {
  string: "conformance",
  boolean: true,
  number: 1,
  integer: 1,
  object: {},
  array: [],
} as const satisfies Record<Parameter["type"], Json>;
