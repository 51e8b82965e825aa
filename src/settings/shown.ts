/** The settings as an administrator may see them: every secret is `***`, by its place and by its value (law 7). */
import { z } from "zod";
import { isList, isRecord, type Json, type JsonRecord } from "../model/json.ts";
import { createMasker } from "../secrets/mask.ts";
import { secretValues } from "./secret-values.ts";
import type { Environment } from "./secret-variables.ts";
import type { Settings } from "./settings.ts";

const hidden = "***";

export function shownSettings(settings: Settings, env: Environment): JsonRecord {
  const masker = createMasker();
  for (const value of secretValues(settings, env)) masker.add(value);
  const hide = (value: string | undefined) => (value === undefined ? undefined : hidden);
  const { api, connections } = settings;
  const shown = {
    ...settings,
    databaseUrl: hide(settings.databaseUrl),
    encryptionKey: hide(settings.encryptionKey),
    auditToken: hide(settings.auditToken),
    // A connection's URL may hold its password anywhere, in its query, too.
    connections: mapped(connections, (it) => ({ ...it, url: hidden })),
    api: {
      ...api,
      adminPassword: hide(api.adminPassword),
      users: api.users.map((it) => ({ ...it, passwordHash: hidden })),
    },
  };
  const json = z.record(z.string(), z.json()).parse(JSON.parse(JSON.stringify(shown)));
  return mapped(json, (it) => masked(it, (text) => masker.mask(text)));
}

const mapped = <Value, To>(
  record: { readonly [key: string]: Value },
  to: (value: Value) => To,
): { readonly [key: string]: To } =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));

function masked(value: Json, mask: (text: string) => string): Json {
  if (typeof value === "string") return mask(value);
  if (isList(value)) return value.map((it) => masked(it, mask));
  return isRecord(value) ? mapped(value, (it) => masked(it, mask)) : value;
}
