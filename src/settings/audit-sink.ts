/** Where the audit trail is delivered to (`audit`). The token is read by who sends: others need none. */
import type { Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { hasPassword } from "./secret-url.ts";
import type { AuditSink } from "./settings.ts";

export function readAuditSink(
  { url, tokenEnv, interval }: SettingsFile["audit"],
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
  return { url, tokenEnv, intervalMs: interval };
}
