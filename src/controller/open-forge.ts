/** A repository's forge, from its settings. Secrets are read at each use, so that a rotated one counts. */
import type { Clock } from "../model/clock.ts";
import { StallingError } from "../model/errors.ts";
import type { Forge } from "../report/forge/forge.ts";
import { createGitea } from "../report/forge/gitea.ts";
import { createGitHub } from "../report/forge/github.ts";
import { createGitLab } from "../report/forge/gitlab.ts";
import type { ForgeSettings } from "../settings/forge.ts";
import { readSecret, type Environment } from "../settings/secret-variables.ts";

export interface OpenForgeOptions {
  readonly env: Environment;
  readonly clock: Clock;
  /** Off in tests: GitHub's second between two writes, and the wait before a second attempt. */
  readonly patient?: boolean;
}

export function openForge(
  settings: ForgeSettings,
  { env, clock, patient = true }: OpenForgeOptions,
): Forge {
  const { kind, url: webUrl, apiUrl, repository, auth } = settings;
  const common = { webUrl, apiUrl, repository, clock, retryBaseMs: patient ? 1_000 : 0 };
  if (auth.kind === "app") {
    const { id: appId, installationId, privateKeyEnv } = auth;
    const privateKey = (): string => required(privateKeyEnv, env);
    const app = { kind: "app", appId, installationId, privateKey } as const;
    return createGitHub({ ...common, paced: patient, auth: app });
  }
  const token = (): string => required(auth.tokenEnv, env);
  switch (kind) {
    case "github":
      return createGitHub({ ...common, paced: patient, auth: { kind: "token", token } });
    case "gitea":
      return createGitea({ ...common, token });
    case "gitlab":
      return createGitLab({ ...common, token });
  }
}

function required(name: string, env: Environment): string {
  const secret = readSecret(env, name);
  if (secret.state === "set") return secret.value;
  const message = secret.state === "unset" ? `${name} is not set` : secret.message;
  const hint = `set ${name}, or ${name}_FILE to the path of a file that holds it`;
  throw new StallingError("CredentialsMissing", message, hint);
}
