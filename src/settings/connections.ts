/** The named connections that `sql` steps use: from the file, and from `INNOMINATUS_CONNECTION_<NAME>`. */
import type { Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { hasPassword } from "./secret-url.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { Connection } from "./settings.ts";

const prefix = "INNOMINATUS_CONNECTION_";

/** The variable wins over the file; one that the file does not know makes a connection by itself. */
export function readConnections(
  file: SettingsFile["connections"],
  env: Environment,
  tell: Tell,
): Readonly<Record<string, Connection>> {
  const names = new Set([...Object.keys(file), ...namesIn(env, Object.keys(file))]);
  const found = [...names].toSorted().flatMap((name): [string, Connection][] => {
    const given = Object.hasOwn(file, name) ? file[name] : undefined;
    const url = urlOf(name, given, env, tell);
    if (url === undefined) return [];
    const { publicHost, publicPort } = given ?? {};
    const host = publicHost === undefined ? {} : { publicHost };
    return [[name, { url, ...host, ...(publicPort === undefined ? {} : { publicPort }) }]];
  });
  return Object.fromEntries(found);
}

function urlOf(
  name: string,
  given: SettingsFile["connections"][string] | undefined,
  env: Environment,
  tell: Tell,
): string | undefined {
  const path = ["connections", name];
  const variable = variableOf(name);
  const own = readSecret(env, variable);
  const named = given?.urlEnv === undefined ? undefined : readSecret(env, given.urlEnv);
  const secret = own.state === "unset" ? (named ?? own) : own;
  const hint = `set ${given?.urlEnv ?? variable}, or its _FILE variant to the path of a file that holds it`;

  if (secret.state === "unreadable") {
    tell(path, { code: "settings/secret-unreadable", message: secret.message, hint });
    return undefined;
  }
  const url = secret.state === "set" ? secret.value : given?.url;
  if (url === undefined) {
    const message = `the connection \`${name}\` has no URL`;
    tell(path, { code: "settings/connection-url", message, hint });
    return undefined;
  }
  if (!URL.canParse(url)) {
    const message = `what the connection \`${name}\` has as its URL is none`;
    const like = "write it like postgresql://user:password@host:5432/database";
    tell(path, { code: "settings/connection-url", message, hint: like });
    return undefined;
  }
  if (secret.state === "unset" && hasPassword(url)) {
    const message = `the URL of the connection \`${name}\` holds a password`;
    const code = "settings/password-in-file";
    tell([...path, "url"], { code, severity: "warning", message, hint: `put it in ${variable}` });
  }
  return url;
}

const variableOf = (name: string): string =>
  prefix + name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");

function namesIn(env: Environment, known: readonly string[]): string[] {
  return Object.keys(env)
    .filter((it) => it.startsWith(prefix) && (env[it] ?? "") !== "")
    .map((it) => it.replace(/_FILE$/, ""))
    .filter((it) => it.length > prefix.length && !known.some((name) => variableOf(name) === it))
    .map((it) => it.slice(prefix.length).toLowerCase().replaceAll("_", "-"));
}
