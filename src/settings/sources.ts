/** Where things come from: the watched repositories, and the providers beside those in them. */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { isPath, normalise } from "../source/location.ts";
import type { Context, Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { readForge, type ForgeSettings } from "./forge.ts";
import { hasPassword } from "./secret-url.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { Credentials, ProviderSource, RepositorySettings } from "./settings.ts";

export function repositoriesOf(
  file: SettingsFile,
  context: Context,
  tell: Tell,
): RepositorySettings[] {
  const { env, flags, baseOf } = context;
  unique(file.repositories, "repositories", tell);
  const configured = file.repositories.map((repository, index): RepositorySettings => {
    const path = ["repositories", index];
    refuseCredentials(repository.url, [...path, "url"], tell);
    const url = absolute(repository.url, baseOf(["repositories"]));
    const { name, credentials } = repository;
    const forge = forgeOf(repository, context, [...path, "forge"], tell);
    if (credentials === undefined) return { name, url, ...forge };
    for (const key of ["usernameEnv", "passwordEnv"] as const) {
      const variable = credentials[key];
      if (variable === undefined) continue;
      const secret = readSecret(env, variable);
      if (secret.state === "set") continue;
      tell([...path, "credentials", key], {
        code: "settings/variable-unset",
        message: secret.state === "unset" ? `${variable} is not set` : secret.message,
        hint: `set ${variable}, or ${variable}_FILE to the path of a file that holds it`,
      });
    }
    const withFolders = withPaths(credentials, baseOf(["repositories"]));
    return { name, url, credentials: withFolders, ...forge };
  });

  const only = flags.repo ?? (env["INNOMINATUS_REPO"] || undefined);
  if (only === undefined) return configured;
  refuseCredentials(only, [], tell);
  const url = absolute(only, baseOf(["--repo"]));
  const known = configured.find((it) => it.name === only || normalise(it.url) === normalise(url));
  return [known ?? { name: nameOf(url), url, ...defaultCredentials(env) }];
}

function forgeOf(
  { url, credentials, forge }: SettingsFile["repositories"][number],
  context: Context,
  path: readonly PropertyKey[],
  tell: Tell,
): { forge?: ForgeSettings } {
  if (forge === undefined) return {};
  const given = { url, passwordEnv: credentials?.passwordEnv, forge };
  const read = readForge(given, context, path, tell);
  return read === undefined ? {} : { forge: read };
}

/** For the one repository that `--repo` names: nothing else would say whom they are for. */
function defaultCredentials(env: Environment): { credentials?: Credentials } {
  const usernameEnv = "INNOMINATUS_GIT_USERNAME";
  const passwordEnv = "INNOMINATUS_GIT_PASSWORD";
  if (readSecret(env, passwordEnv).state === "unset") return {};
  const named = readSecret(env, usernameEnv).state === "set" ? { usernameEnv } : {};
  return { credentials: { ...named, passwordEnv } };
}

function refuseCredentials(url: string, path: readonly PropertyKey[], tell: Tell): void {
  if (!hasPassword(url)) return;
  tell(path, {
    code: "settings/credentials-in-url",
    message: "the repository's URL holds credentials, which every process listing would show",
    hint: "take them out, and name their variables in `credentials`, or set INNOMINATUS_GIT_PASSWORD for --repo",
  });
}

export function providersOf(file: SettingsFile, { baseOf }: Context, tell: Tell): ProviderSource[] {
  unique(file.providers, "providers", tell);
  return file.providers.flatMap(
    ({ name, type, path, repository, ref }, index): ProviderSource[] => {
      const base = baseOf(["providers"]);
      const kind: ProviderSource["kind"] = type === "git" ? "git" : "folder";
      const needed = kind === "git" ? repository : path;
      if (needed === undefined) {
        const key = kind === "git" ? "repository" : "path";
        tell(["providers", index], {
          code: "settings/provider-source",
          message: `a provider of type \`${type}\` needs \`${key}\``,
          hint: `add \`${key}\``,
        });
        return [];
      }
      if (kind === "folder") return [{ name, kind, path: resolve(base, needed) }];
      refuseCredentials(needed, ["providers", index, "repository"], tell);
      const source = { name, kind, repository: absolute(needed, base), ref: ref ?? "HEAD" };
      return [path === undefined ? source : { ...source, path }];
    },
  );
}

function unique(named: readonly { readonly name: string }[], key: string, tell: Tell): void {
  for (const [index, { name }] of named.entries()) {
    if (named.findIndex((it) => it.name === name) === index) continue;
    tell([key, index, "name"], {
      code: "settings/duplicate-name",
      message: `the name \`${name}\` is taken by another one of \`${key}\``,
      hint: "rename one of them",
    });
  }
}

function withPaths(
  credentials: SettingsFile["repositories"][number]["credentials"],
  base: string,
): Credentials {
  const { usernameEnv, passwordEnv, sshKeyFile, knownHostsFile } = credentials ?? {};
  return {
    ...(usernameEnv === undefined ? {} : { usernameEnv }),
    ...(passwordEnv === undefined ? {} : { passwordEnv }),
    ...(sshKeyFile === undefined ? {} : { sshKeyFile: resolve(base, sshKeyFile) }),
    ...(knownHostsFile === undefined ? {} : { knownHostsFile: resolve(base, knownHostsFile) }),
  };
}

const absolute = (url: string, base: string): string =>
  isPath(url) && !url.startsWith("~") ? resolve(base, url) : url;

/**
 * The last part of its URL or path, as a name may be written, and a digest of the whole: what is
 * recorded under a name is deleted when it is gone from the repository of that name (law 1).
 */
function nameOf(url: string): string {
  const last = basename(url.replace(/[\\/]+$/, ""))
    .replace(/\.git$/, "")
    .replace(/^.*:/, "");
  const words = last.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const name = words.replace(/^-+/, "").slice(0, 56).replace(/-+$/, "");
  const digest = createHash("sha256").update(normalise(url)).digest("hex").slice(0, 6);
  return `${name === "" ? "repository" : name}-${digest}`;
}
