/** Every secret that the settings hold, for masking by value at each sink (law 7). */
import { gitSecrets } from "./git-credentials.ts";
import type { ForgeSettings } from "./forge.ts";
import { passwordsIn } from "./secret-url.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { Settings } from "./settings.ts";

/** Sorted, each once. Whole URLs are not among them: their passwords are. */
export function secretValues(settings: Settings, env: Environment): readonly string[] {
  const { databaseUrl, encryptionKey, connections, repositories, auditSink, auditToken, api } =
    settings;
  const urls = [databaseUrl, ...Object.values(connections).map(({ url }) => url)];
  const values = [
    ...urls.flatMap((url) => (url === undefined ? [] : passwordsIn(url))),
    ...repositories.flatMap((repository) => gitSecrets(repository, env)),
    ...repositories.flatMap(({ forge }) => forgeSecrets(forge, env)),
    ...(auditToken === undefined ? [] : [auditToken]),
    ...tokenIn(auditSink?.tokenEnv, env),
    api.adminPassword ?? "",
    ...api.users.map((it) => it.passwordHash),
    // Several keys while they are being rotated.
    ...(encryptionKey?.split(",").map((it) => it.trim()) ?? []),
  ];
  return [...new Set(values)].filter((it) => it !== "").toSorted();
}

function forgeSecrets(forge: ForgeSettings | undefined, env: Environment): readonly string[] {
  if (forge === undefined) return [];
  const { auth, webhookSecretEnv } = forge;
  const names = [auth.kind === "app" ? auth.privateKeyEnv : auth.tokenEnv, webhookSecretEnv];
  return names.flatMap((name) => {
    const secret = name === undefined ? undefined : readSecret(env, name);
    return secret?.state === "set" ? [secret.value] : [];
  });
}

function tokenIn(name: string | undefined, env: Environment): readonly string[] {
  const secret = name === undefined ? undefined : readSecret(env, name);
  return secret?.state === "set" ? [secret.value] : [];
}
