/** Where the audit trail is delivered to (`audit`), and the token for it, from a variable of any name. */
import type { Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { hasPassword } from "./secret-url.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { AuditSink } from "./settings.ts";

export function readAuditSink(
  { url, tokenEnv, interval }: SettingsFile["audit"],
  env: Environment,
  tell: Tell,
): AuditSink | undefined {
  if (url === undefined) return undefined;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    tell(["audit", "url"], {
      code: "settings/audit-url",
      message: "the audit sink's URL is no http or https address",
      hint: "write it like https://audit.example.org; the path is added",
    });
  } else if (hasPassword(url)) {
    tell(["audit", "url"], {
      code: "settings/password-in-file",
      message: "the audit sink's URL holds a password",
      hint: "name a variable that holds a token with audit.tokenEnv",
    });
  }
  return { url, token: tokenOf(tokenEnv, env, tell), intervalMs: interval };
}

/** A token that is named and missing would be refused by the sink, event after event. */
function tokenOf(name: string | undefined, env: Environment, tell: Tell): string | undefined {
  if (name === undefined) return undefined;
  const secret = readSecret(env, name);
  if (secret.state === "set") return secret.value;
  tell(["audit", "tokenEnv"], {
    code: "settings/secret-unreadable",
    message: secret.state === "unset" ? `${name} is not set` : secret.message,
    hint: `set ${name}, or ${name}_FILE to the path of a file that holds it`,
  });
  return undefined;
}
