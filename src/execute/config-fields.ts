/** Fields that several step types' configs have. */
import { z } from "zod";
import { parseDuration } from "../provider/duration.ts";

/** `1h30m`, `500ms`, or seconds → milliseconds. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: "expected a duration such as 30s or 5m" });
  return z.NEVER;
});

const status = z.coerce.number<string | number>().int().min(100).max(599);

/** One status or several → a list. */
export const statuses = z.union([z.array(status).min(1), status.transform((it) => [it])]);
