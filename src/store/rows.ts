/** Columns as rows of several tables have them: how the database's types become the model's. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import { parseUid } from "../model/uid.ts";

export const jsonRecord: z.ZodType<JsonRecord> = z.custom<JsonRecord>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

export const uid = z.string().transform(parseUid);
export const uids = z.array(uid);
/** ISO 8601, UTC. */
export const time = z.coerce.date().transform((at) => at.toISOString());
/** `timestamptz` that may be absent. */
export const maybeTime = z
  .date()
  .nullable()
  .transform((at) => at?.toISOString() ?? null);
export const place = z.object({ file: z.string(), line: z.number(), column: z.number() });
export const strings = z.record(z.string(), z.string());
