/** The section `api` of the settings file: who may use the HTTP API, and where specs are committed. */
import { z } from "zod";
import { roleNames, type ApiSettings, type ApiUser } from "./api.ts";
import type { Context, Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { readSecret } from "./secret-variables.ts";
import { duration, secretText, text, variable, whole } from "./values.ts";

const role = z.enum(roleNames);

const user = z.strictObject({
  username: text.max(200),
  role: role.optional(),
  teams: z.record(text, role).default({}),
  passwordHash: secretText.optional(),
  passwordHashEnv: variable.optional(),
});

const oidc = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }),
  audience: text,
  jwksUri: z.url({ protocol: /^https?$/ }).optional(),
  name: text.default("OpenID Connect"),
  usernameClaim: text.default("sub"),
  groupsClaim: text.default("groups"),
  groups: z
    .array(z.strictObject({ group: text, role, team: text.optional() }))
    .min(1, "at least one group that has a role"),
});

export const apiSection = z.strictObject({
  repository: text.optional(),
  environment: text.optional(),
  path: text.default("apps/{name}/score.yaml"),
  mode: z.enum(["commit", "pull-request"]).default("commit"),
  session: duration("12h", 60_000),
  metrics: z.enum(["open", "authenticated"]).default("open"),
  cors: z.array(z.url({ protocol: /^https?$/ })).default([]),
  trustedProxies: whole(0, 10).prefault(0),
  login: z
    .strictObject({
      perUser: whole(1, 10_000).prefault(10),
      perAddress: whole(1, 100_000).prefault(50),
      window: duration("15m", 1_000),
    })
    .prefault({}),
  bodyBytes: whole(1_024, 67_108_864).prefault(1_048_576),
  users: z.array(user).default([]),
  teams: z.array(z.strictObject({ name: text, workloads: z.array(text).min(1) })).default([]),
  oidc: oidc.optional(),
});

export function readApi(
  { api, repositories }: SettingsFile,
  { env }: Pick<Context, "env">,
  adminPassword: string | undefined,
  tell: Tell,
): ApiSettings {
  const { session, login, users, repository, environment, oidc: issuer, ...rest } = api;
  if (repository !== undefined && !repositories.some((it) => it.name === repository)) {
    tell(["api", "repository"], {
      code: "settings/unknown-repository",
      message: `there is no repository \`${repository}\``,
      hint: "use the name of one of `repositories`",
    });
  }
  if (!isSpecPath(api.path)) {
    tell(["api", "path"], {
      code: "settings/spec-path",
      message: "the path is none in the repository that each workload has for itself",
      hint: "write it like apps/{name}/score.yaml, relative and with {name}",
    });
  }
  const teams = new Set(api.teams.map((it) => it.name));
  const named = [
    ...users.flatMap((it, index) =>
      Object.keys(it.teams).map((team) => [team, ["api", "users", index, "teams"]] as const),
    ),
    ...(issuer?.groups ?? []).flatMap(({ team }, index) =>
      team === undefined ? [] : [[team, ["api", "oidc", "groups", index, "team"]] as const],
    ),
  ];
  for (const [team, path] of named) {
    if (teams.has(team)) continue;
    tell(path, {
      code: "settings/unknown-team",
      message: `there is no team \`${team}\``,
      hint: "add it to `api.teams`, with the workloads that are its own",
    });
  }
  return {
    ...rest,
    ...(repository === undefined ? {} : { repository }),
    ...(environment === undefined ? {} : { environment }),
    ...(issuer === undefined ? {} : { oidc: issuerOf(issuer) }),
    ...(adminPassword === undefined ? {} : { adminPassword }),
    sessionMs: session,
    login: { perUser: login.perUser, perAddress: login.perAddress, windowMs: login.window },
    users: users.flatMap((it, index) => userOf(it, index, users, env, tell)),
  };
}

function issuerOf(issuer: z.output<typeof oidc>): NonNullable<ApiSettings["oidc"]> {
  const { jwksUri, groups, ...rest } = issuer;
  return {
    ...rest,
    ...(jwksUri === undefined ? {} : { jwksUri }),
    groups: groups.map(({ team, ...it }) => (team === undefined ? it : { ...it, team })),
  };
}

const isSpecPath = (path: string): boolean =>
  path.includes("{name}") &&
  /\.ya?ml$/.test(path) &&
  path.split("/").every((it) => it !== "" && it !== "." && it !== ".." && it !== ".git");

function userOf(
  given: z.output<typeof user>,
  index: number,
  all: readonly z.output<typeof user>[],
  env: Context["env"],
  tell: Tell,
): readonly ApiUser[] {
  const { username, role: everywhere, teams, passwordHashEnv } = given;
  const path = ["api", "users", index];
  if (all.findIndex((it) => it.username === username) !== index) {
    tell([...path, "username"], {
      code: "settings/duplicate-name",
      message: `the name \`${username}\` is taken by another one of \`api.users\``,
      hint: "rename one of them",
    });
  }
  if (everywhere === undefined && Object.keys(teams).length === 0) {
    tell(path, {
      code: "settings/user-without-role",
      message: `\`${username}\` has no role`,
      hint: `add \`role\`, or \`teams\` with one for a team: ${roleNames.join(", ")}`,
    });
  }
  const hash = passwordHashEnv === undefined ? given.passwordHash : secretIn(env, passwordHashEnv);
  if (hash === undefined || !/^scrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+$/.test(hash)) {
    tell([...path, passwordHashEnv === undefined ? "passwordHash" : "passwordHashEnv"], {
      code: "settings/password-hash",
      message: `\`${username}\` has no password hash that can be read`,
      hint: "make one with `innominatus user hash`, and put it in `passwordHash`, or in the variable that `passwordHashEnv` names",
    });
    return [];
  }
  const account = { username, teams, passwordHash: hash };
  return [everywhere === undefined ? account : { ...account, role: everywhere }];
}

function secretIn(env: Context["env"], name: string): string | undefined {
  const secret = readSecret(env, name);
  return secret.state === "set" ? secret.value : undefined;
}
