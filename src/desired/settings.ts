/** `.innominatus.yaml`: what a repository says of itself (DESIGN.md §4). Every key has a default. */
import { z } from "zod";
import { check } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Checked } from "../model/problem.ts";
import { parseDuration } from "../provider/duration.ts";

export const settingsFile = ".innominatus.yaml";

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  context.addIssue({
    code: "custom",
    message: `found "${value}", expected a duration like 30s, 10m or 24h`,
    params: { code: "repository/duration" },
  });
  return z.NEVER;
});

const globs = z.array(z.string().min(1)).min(1);

export const settingsSchema = z.strictObject({
  apiVersion: z.literal("innominatus.dev/v1"),
  kind: z.literal("Repository"),
  specs: globs.default(["apps/**/score.yaml", "**/*.score.yaml"]),
  providers: globs.default(["providers/*/provider.yaml"]),
  environments: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
          error: "a name of lower-case letters, digits and hyphens",
        }),
        branch: z.string().min(1),
        /** Glob of the files that change specs for this environment. */
        overrides: z.string().min(1).optional(),
      }),
    )
    .min(1)
    .optional(),
  deletion: z
    .strictObject({
      budget: z
        .strictObject({
          count: z.int().min(0).default(3),
          percent: z.number().min(0).max(100).default(10),
        })
        .prefault({}),
      grace: duration.prefault("0s"),
      statefulGrace: duration.prefault("24h"),
      approval: z.enum(["never", "always", "over-budget"]).default("never"),
    })
    .prefault({}),
  status: z.strictObject({ branch: z.string().min(1).default("innominatus/status") }).prefault({}),
});

export type RepositorySettings = Readonly<z.output<typeof settingsSchema>>;

export const defaultSettings: RepositorySettings = settingsSchema.parse({
  apiVersion: "innominatus.dev/v1",
  kind: "Repository",
});

export const readSettings = (document: ParsedDocument): Checked<RepositorySettings> =>
  check(document, settingsSchema);

/** As the store keeps them, to fall back on when the file cannot be read. */
export const storedSettings = (stored: JsonRecord | null): RepositorySettings => {
  const parsed = settingsSchema.safeParse(stored);
  return parsed.success ? parsed.data : defaultSettings;
};
