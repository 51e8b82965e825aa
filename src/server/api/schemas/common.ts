/** What every part of the API speaks in: problems (RFC 9457), pages of lists, times. */
import { z } from "zod";

export const time = z.iso.datetime().meta({ description: "ISO 8601, UTC" });

export const fileProblem = z
  .object({
    file: z.string(),
    line: z.number().int(),
    column: z.number().int(),
    pointer: z.string().meta({ description: "JSON pointer (RFC 6901)" }),
    code: z.string(),
    severity: z.enum(["error", "warning"]),
    message: z.string(),
    hint: z.string().optional(),
  })
  .meta({ id: "FileProblem", description: "A mistake in a file, with its place" });

/** RFC 9457. */
export const problemDetails = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().meta({ description: "Stable, for scripts" }),
    hint: z.string().optional(),
    problems: z.array(fileProblem).optional(),
  })
  .meta({ id: "Problem", description: "What is wrong, and what to do next (RFC 9457)" });

const defaultLimit = 100;
const maxLimit = 500;

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(maxLimit).default(defaultLimit).meta({
    description: "Items on a page",
  }),
  cursor: z.string().max(1_000).optional().meta({
    description: "Where to go on: from the `Link` header's `next`, or `X-Next-Cursor`",
  }),
});

/** Headers of a page of a list. */
export const pageHeaders = z.object({
  link: z
    .string()
    .optional()
    .meta({ description: '`<…>; rel="next"`; absent on the last page (RFC 8288)' }),
  "x-next-cursor": z.string().optional(),
});

/** A name as a Score spec or an environment has it. */
export const name = z.string().min(1).max(200);

export const textRecord = z.record(z.string(), z.string());
export const anyRecord = z.record(z.string(), z.unknown());

const asText = { schema: { type: "string" } } as const;

/**
 * A document in YAML or JSON, for a route's `body`. Under all the types that clients give such a text,
 * the last of them what curl says of `--data-binary` that is told nothing.
 */
export const documentBody = {
  required: true,
  content: {
    "application/yaml": { schema: z.string() },
    "application/json": { schema: anyRecord },
    "application/x-yaml": asText,
    "text/yaml": asText,
    "text/x-yaml": asText,
    "text/plain": asText,
    "application/x-www-form-urlencoded": asText,
  },
} as const;
