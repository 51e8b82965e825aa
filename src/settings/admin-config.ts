/**
 * Upstream's `admin-config.yaml`, accepted for its providers (compat §1): everything else in it
 * belongs to parts that work differently here, and is told as ignored.
 */
import { z } from "zod";
import { check } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import { isRecord, toPointer, type JsonRecord } from "../model/json.ts";
import type { Checked, Problem } from "../model/problem.ts";

const adminConfig = z.looseObject({
  providers: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        type: z.enum(["filesystem", "git"]),
        path: z.string().optional(),
        repository: z.string().optional(),
        ref: z.string().optional(),
        enabled: z.boolean().default(false),
      }),
    )
    .default([]),
});

export const isAdminConfig = (file: string): boolean => /(^|[\\/])admin-config\.ya?ml$/.test(file);

export interface AdminConfig {
  /** Such a tree as `innominatus.yaml` has. */
  readonly tree: JsonRecord;
  /** Of each provider in `tree`, its index in the file: a disabled one is left out. */
  readonly indices: readonly number[];
}

export function readAdminConfig(document: ParsedDocument): Checked<AdminConfig> {
  const checked = check(document, adminConfig);
  const ignored = ignoredKeys(document);
  if (!checked.ok) return { ok: false, problems: [...checked.problems, ...ignored] };
  const enabled = [...checked.value.providers.entries()].filter(([, it]) => it.enabled);
  const providers = enabled.map(([, { name, type, ...rest }]): JsonRecord => {
    const given = { path: rest.path, repository: rest.repository, ref: rest.ref };
    const filled = Object.entries(given).flatMap(([key, it]): [string, string][] =>
      it === undefined || it === "" ? [] : [[key, it]],
    );
    return { name, type, ...Object.fromEntries(filled) };
  });
  const indices = enabled.map(([index]) => index);
  return { ok: true, value: { tree: { providers }, indices }, problems: ignored };
}

function ignoredKeys(document: ParsedDocument): Problem[] {
  if (!isRecord(document.value)) return [];
  return Object.keys(document.value)
    .filter((key) => key !== "providers")
    .map((key) => ({
      ...document.at([key]),
      pointer: toPointer([key]),
      code: "settings/ignored",
      severity: "warning",
      message: `\`${key}\` of an admin-config.yaml is ignored`,
      hint: "say it in innominatus.yaml, where there is such a setting",
    }));
}
