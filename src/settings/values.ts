/** The kinds of values that settings have, with their bounds. No message repeats what may be a secret. */
import { z } from "zod";
import { parseDuration } from "../provider/duration.ts";

/** A length of time; in milliseconds once read. */
export function duration(fallback: string, leastMs: number) {
  return z
    .unknown()
    .transform((given, context) => {
      const ms = parseDuration(given);
      if (ms !== undefined && ms >= leastMs) return Math.round(ms);
      const least = `of at least ${leastMs} ms`;
      return refuse(context, "settings/duration", `expected a length of time ${least}`, {
        hint: "write it like 500ms, 30s, 5m, 1h30m; a plain number counts seconds",
      });
    })
    .prefault(fallback);
}

/** A whole number, also as the text that an environment variable has. */
export function whole(least: number, most: number) {
  return z.unknown().transform((given, context) => {
    const number = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given;
    if (typeof number === "number" && Number.isInteger(number)) {
      if (number >= least && number <= most) return number;
    }
    const message = `expected a whole number from ${least} to ${most}`;
    return refuse(context, "settings/number", message, { hint: "leave it out for the default" });
  });
}

/** Text that may hold a password, so that no problem may quote it. */
export const secretText = z.unknown().transform((given, context) => {
  if (typeof given === "string" && given !== "") return given;
  return refuse(context, "settings/text", "expected text", { hint: "put it in quotes" });
});

export const text = z.string().min(1);

export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable");

function refuse(
  context: z.core.$RefinementCtx,
  code: string,
  message: string,
  more: { readonly hint: string },
): never {
  context.addIssue({ code: "custom", message, params: { code, ...more } });
  return z.NEVER;
}
