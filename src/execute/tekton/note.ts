/** What a `tekton` step journals of its object: the intent before it is made, the UID after (E16). */
import { z } from "zod";
import type { JsonRecord } from "../../model/json.ts";

const noteSchema = z.object({
  /** At the engine: each object of the step has its own. */
  attempt: z.number(),
  namespace: z.string(),
  name: z.string(),
  specHash: z.string(),
  /** `null`: it is not known whether it was made. */
  uid: z.string().nullable(),
  /** When the pipeline has to have ended. */
  deadlineAt: z.string(),
  /** When we asked the engine to end it: once (E33). */
  stoppedAt: z.string().nullable(),
  /** Its end is known, and what follows is another attempt's. */
  ended: z.boolean(),
});

export type Note = z.output<typeof noteSchema>;

/** @returns `undefined` before the first intent */
export function readNote(value: unknown): Note | undefined {
  return value === undefined || value === null ? undefined : noteSchema.parse(value);
}

export const toJson = (note: Note): JsonRecord => ({ ...note });
