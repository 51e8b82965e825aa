/**
 * Credentials of a repository, as environment for git: through a credential helper that reads them
 * from variables, so that they are in no argument, no URL, no file of ours, and are offered to no
 * other host, whatever a server redirects to (law 7).
 */
import { StallingError } from "../model/errors.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { RepositorySettings } from "./settings.ts";

/** Asked afresh before each use of git: a rotated file's new value counts. @throws {StallingError} for one that cannot be read */
export function gitEnvironment(
  { url, credentials }: Pick<RepositorySettings, "url" | "credentials">,
  env: Environment,
): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  const { usernameEnv, passwordEnv, sshKeyFile, knownHostsFile } = credentials;
  const ssh = sshEnvironment(sshKeyFile, knownHostsFile);
  if (passwordEnv === undefined || !/^https?:\/\//i.test(url)) return ssh;
  // Forges take any name with a token; git sends none that is empty.
  const username = usernameEnv === undefined ? "git" : required(usernameEnv, env);
  return { ...ssh, ...helperEnvironment(url, username, required(passwordEnv, env)) };
}

/** Values that must be masked wherever git's words go. */
export function gitSecrets(
  { credentials }: Pick<RepositorySettings, "credentials">,
  env: Environment,
): readonly string[] {
  const names = credentials?.passwordEnv === undefined ? [] : [credentials.passwordEnv];
  return names.flatMap((name) => {
    const secret = readSecret(env, name);
    return secret.state === "set" ? [secret.value] : [];
  });
}

const helper = `!f() { test "$1" != get || printf 'username=%s\\npassword=%s\\n' "$INNOMINATUS_HELPER_USERNAME" "$INNOMINATUS_HELPER_PASSWORD"; }; f`;

function helperEnvironment(
  url: string,
  username: string,
  password: string,
): Record<string, string> {
  const { origin } = new URL(url);
  // An empty helper first: no other one may answer for this host, or keep what ours said.
  return {
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: `credential.${origin}.helper`,
    GIT_CONFIG_VALUE_0: "",
    GIT_CONFIG_KEY_1: `credential.${origin}.helper`,
    GIT_CONFIG_VALUE_1: helper,
    INNOMINATUS_HELPER_USERNAME: username,
    INNOMINATUS_HELPER_PASSWORD: password,
  };
}

function sshEnvironment(
  key: string | undefined,
  hosts: string | undefined,
): Record<string, string> {
  if (key === undefined && hosts === undefined) return {};
  const identity = key === undefined ? [] : ["-i", quote(key), "-o", "IdentitiesOnly=yes"];
  const known = hosts === undefined ? [] : ["-o", quote(`UserKnownHostsFile="${hosts}"`)];
  const strict = hosts === undefined ? [] : ["-o", "StrictHostKeyChecking=yes"];
  const command = ["ssh", "-o", "BatchMode=yes", ...identity, ...known, ...strict];
  return { GIT_SSH_COMMAND: command.join(" ") };
}

function required(name: string, env: Environment): string {
  const secret = readSecret(env, name);
  const hint = `set ${name}, or ${name}_FILE to the path of a file that holds it`;
  if (secret.state !== "set") {
    const message = secret.state === "unset" ? `${name} is not set` : secret.message;
    throw new StallingError("CredentialsMissing", message, hint);
  }
  if (/[\n\r\0]/.test(secret.value)) {
    const message = `${secret.from}: the value has more than one line`;
    throw new StallingError("CredentialsMalformed", message, hint);
  }
  return secret.value;
}

/** Git hands `GIT_SSH_COMMAND` to a shell. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
