/**
 * Where a repository's pull requests are, and what we may ask there with: from `forge` of a repository,
 * and from the repository's URL where that says it already.
 */
import { z } from "zod";
import type { Context, Tell } from "./context.ts";
import { hasPassword } from "./secret-url.ts";
import { readSecret } from "./secret-variables.ts";
import { text, variable } from "./values.ts";

const kinds = ["github", "gitea", "gitlab"] as const;
export type ForgeSettingsKind = (typeof kinds)[number];

/** `forge: {}` is enough for a repository on a well-known forge that has a password already. */
export const forgeFile = z.strictObject({
  kind: z.enum(kinds).optional(),
  url: text.optional(),
  apiUrl: text.optional(),
  repository: text.optional(),
  tokenEnv: variable.optional(),
  app: z
    .strictObject({
      id: z.union([z.string().min(1), z.number()]).transform(String),
      installationId: z.union([z.string().min(1), z.number()]).transform(String),
      privateKeyEnv: variable,
    })
    .optional(),
  webhookSecretEnv: variable.optional(),
  commitComments: z.boolean().default(false),
});

export interface ForgeSettings {
  readonly kind: ForgeSettingsKind;
  /** Where people go; without a slash at the end, like `apiUrl`. */
  readonly url: string;
  readonly apiUrl: string;
  /** `owner/name` */
  readonly repository: string;
  /** Names of variables: what they hold is read when it is needed. */
  readonly auth:
    | { readonly kind: "token"; readonly tokenEnv: string }
    | {
        readonly kind: "app";
        readonly id: string;
        readonly installationId: string;
        readonly privateKeyEnv: string;
      };
  /** Absent: webhooks for the repository are refused. */
  readonly webhookSecretEnv?: string;
  /** Whether a push without a pull request is told of in a comment on its commit. */
  readonly commitComments: boolean;
}

interface Given {
  readonly url: string;
  readonly passwordEnv: string | undefined;
  readonly forge: z.output<typeof forgeFile>;
}

/** @returns `undefined` where something is missing, which is told */
export function readForge(
  { url, passwordEnv, forge }: Given,
  { env }: Pick<Context, "env">,
  path: readonly PropertyKey[],
  tell: Tell,
): ForgeSettings | undefined {
  const place = placeOf(url);
  const kind = forge.kind ?? knownHosts[place?.host ?? ""];
  const webUrl = trimmed(forge.url ?? place?.origin);
  const repository = forge.repository ?? place?.repository;
  const tokenEnv = forge.tokenEnv ?? passwordEnv;
  const missing = (key: string, message: string, hint: string): void =>
    tell([...path, ...(key === "" ? [] : [key])], { code: "settings/forge", message, hint });

  if (kind === undefined) {
    missing("", "nothing says what kind of forge this is", `add \`kind\`: ${kinds.join(", ")}`);
  }
  for (const key of ["url", "apiUrl"] as const) {
    const given = forge[key];
    if (given === undefined) continue;
    if (hasPassword(given)) {
      missing(key, `\`${key}\` holds credentials`, "take them out, and name their variable");
    } else if (!/^https?:\/\/[^/]/.test(given) || !URL.canParse(given)) {
      missing(key, `\`${key}\` is no address`, "write it like https://git.example.org");
    }
  }
  if (webUrl === undefined) {
    missing("", "the repository's URL does not say where the forge is", "add `url`");
  }
  if (repository === undefined || !/^[^/\s]+(\/[^/\s]+)+$/.test(repository)) {
    missing("repository", "nothing says which repository it is", "write it like owner/name");
  }
  if (forge.app !== undefined && forge.tokenEnv !== undefined) {
    missing("app", "both `app` and `tokenEnv` are given", "remove one of them");
  }
  if (forge.app !== undefined && kind !== undefined && kind !== "github") {
    missing("app", "only GitHub has Apps", "use `tokenEnv`");
  }
  if (forge.app === undefined && tokenEnv === undefined) {
    missing("", "nothing says what to ask the forge with", "add `tokenEnv`");
  }
  const variables = { tokenEnv: forge.tokenEnv, webhookSecretEnv: forge.webhookSecretEnv };
  for (const [key, name] of Object.entries(variables)) requireSet([...path, key], name, env, tell);
  const appPath = [...path, "app", "privateKeyEnv"];
  requireSet(appPath, forge.app?.privateKeyEnv, env, tell);

  const auth = authOf(forge.app, tokenEnv);
  if (kind === undefined || webUrl === undefined || repository === undefined) return undefined;
  if (auth === undefined) return undefined;
  const { webhookSecretEnv, commitComments } = forge;
  return {
    kind,
    url: webUrl,
    apiUrl: trimmed(forge.apiUrl) ?? apiUrlOf(kind, webUrl),
    repository,
    auth,
    ...(webhookSecretEnv === undefined ? {} : { webhookSecretEnv }),
    commitComments,
  };
}

function authOf(
  app: z.output<typeof forgeFile>["app"],
  tokenEnv: string | undefined,
): ForgeSettings["auth"] | undefined {
  if (app !== undefined) return { kind: "app", ...app };
  return tokenEnv === undefined ? undefined : { kind: "token", tokenEnv };
}

function requireSet(
  path: readonly PropertyKey[],
  name: string | undefined,
  env: Context["env"],
  tell: Tell,
): void {
  const secret = name === undefined ? undefined : readSecret(env, name);
  if (secret === undefined || secret.state === "set") return;
  tell(path, {
    code: "settings/variable-unset",
    message: secret.state === "unset" ? `${name} is not set` : secret.message,
    hint: `set ${name}, or ${name}_FILE to the path of a file that holds it`,
  });
}

const knownHosts: Readonly<Record<string, ForgeSettingsKind>> = {
  "github.com": "github",
  "gitlab.com": "gitlab",
  "gitea.com": "gitea",
  "codeberg.org": "gitea",
};

function apiUrlOf(kind: ForgeSettingsKind, webUrl: string): string {
  if (kind === "gitea") return `${webUrl}/api/v1`;
  if (kind === "gitlab") return `${webUrl}/api/v4`;
  return webUrl === "https://github.com" ? "https://api.github.com" : `${webUrl}/api/v3`;
}

/** Of `https://host/owner/name.git`, `ssh://git@host:22/owner/name` and `git@host:owner/name`. */
function placeOf(
  url: string,
): { readonly host: string; readonly origin: string; readonly repository: string } | undefined {
  const short = /^(?:[^@/]+@)?([^/:]+):(?!\/\/)\/?(.+)$/.exec(url);
  const spelled = short === null ? url : `ssh://${short[1]}/${short[2]}`;
  if (!/^(https?|ssh):\/\//i.test(spelled) || !URL.canParse(spelled)) return undefined;
  const { protocol, hostname, host, pathname } = new URL(spelled);
  const repository = pathname.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  const origin = protocol === "ssh:" ? `https://${hostname}` : `${protocol}//${host}`;
  return { host: hostname.toLowerCase(), origin, repository };
}

const trimmed = (url: string | undefined): string | undefined => url?.replace(/\/+$/, "");
