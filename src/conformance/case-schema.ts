/** A provider's own tests: `tests/*.yaml`, cases of what a workflow renders to, and `tests/conformance.yaml`. */
import { z } from "zod";

const values = z.record(z.string(), z.json());

export const caseSchema = z.strictObject({
  name: z.string().min(1).optional(),
  /** As the manifest names it. */
  workflow: z.string().min(1),
  /** Params of a spec, and engine inputs in place of their usual values. */
  parameters: values.default({}),
  /** Outputs that an earlier run recorded. */
  recorded: values.default({}),
  /** Outputs of steps, by step. */
  results: z.record(z.string(), values).default({}),
  /** What `now` gives; ISO 8601. */
  now: z.string().default("2026-01-01T00:00:00Z"),
  expect: z.strictObject({
    /** Every step that runs, in order; of its config the keys that are given. */
    steps: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          type: z.string().min(1).optional(),
          config: values.optional(),
        }),
      )
      .optional(),
    /** All of them. */
    outputs: values.optional(),
    /** A part of each one's message; there are no others. */
    problems: z.array(z.string().min(1)).default([]),
  }),
});

export type Case = z.output<typeof caseSchema>;

export const conformanceSchema = z.strictObject({
  /** Steps may send requests to the addresses in them. */
  network: z.boolean().default(false),
  /** The first that fits a type and class counts. */
  resources: z
    .array(
      z.strictObject({
        type: z.string().min(1),
        /** Of every class, where it is left out. */
        class: z.string().min(1).optional(),
        parameters: values.default({}),
        /** In place of those of the same name, for the update. */
        update: values.optional(),
        /** Not run, for this reason. */
        skip: z.string().min(1).optional(),
      }),
    )
    .default([]),
});

export type ConformanceSettings = z.output<typeof conformanceSchema>;
