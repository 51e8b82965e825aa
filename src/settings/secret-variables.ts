/**
 * Secrets that come from the environment: the variable itself, or the file that `<NAME>_FILE` names,
 * as Docker and Kubernetes mount them. Read when asked for, so that a rotated file is seen.
 */
import { readFileSync, statSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;

export type SecretVariable =
  | { readonly state: "set"; readonly value: string; readonly from: string }
  | { readonly state: "unset" }
  | { readonly state: "unreadable"; readonly from: string; readonly message: string };

const maxBytes = 65_536;

/** An empty variable counts as unset, as Compose files and charts leave them; a file's last newline is none of its value. */
export function readSecret(env: Environment, name: string): SecretVariable {
  const value = own(env, name);
  const file = own(env, `${name}_FILE`);
  const from = `${name}_FILE`;
  if (value !== undefined && file !== undefined) {
    return { state: "unreadable", from, message: `both ${name} and ${from} are set` };
  }
  if (value !== undefined) return { state: "set", value, from: name };
  if (file === undefined) return { state: "unset" };
  try {
    if (statSync(file).size > maxBytes) {
      return { state: "unreadable", from, message: `${from}: the file is too large for a secret` };
    }
    const content = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    if (content !== "") return { state: "set", value: content, from };
    return { state: "unreadable", from, message: `${from}: the file is empty` };
  } catch {
    return { state: "unreadable", from, message: `${from}: the file is not readable` };
  }
}

function own(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return value === "" ? undefined : value;
}
