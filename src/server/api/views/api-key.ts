/** An API key as listings show it: never the key, only what it begins with. */
import type { StoredKey } from "../../../store/api-sessions.ts";
import { scopes } from "../schemas/session.ts";

export const keyView = (key: StoredKey) => ({
  name: key.name,
  masked_key: `${key.hint}…`,
  scopes: scopes.filter((it) => key.scopes.includes(it)),
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  last_used_at: key.lastUsedAt,
});
