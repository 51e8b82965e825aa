/** `admin …` and `team …`: who there is, and what the server says where it is declared elsewhere. */
import { stringify } from "yaml";
import { visible } from "../../../plan/render/visible.ts";
import { screenOf } from "../../context.ts";
import { CommandError } from "../../output/failure.ts";
import { apiKey, record, team, user } from "../answers.ts";
import { createClient, jsonBody, type Call, type Client } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { facts, printListing, printOne, type OutputFlags } from "../print.ts";
import { keyColumns, runCreateKey, runRevokeKey, type CreateKeyFlags } from "./session.ts";

type Words = readonly string[];

export async function runAdminShow(
  context: CtlContext,
  _: Words,
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const settings = await client.call("/api/admin/config", record);
  printOne(context, settings, () => stringify(settings, { lineWidth: 0 }), flags);
  return 0;
}

export async function runListUsers(
  context: CtlContext,
  _: Words,
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/admin/users", user);
  printListing(
    context,
    [
      { title: "username", text: (it) => it.username },
      { title: "role", text: (it) => it.role },
      { title: "teams", text: (it) => pairs(it.teams) || it.team },
      { title: "source", text: (it) => it.source },
    ],
    rows,
    "no users",
    flags,
  );
  return 0;
}

export interface UserFlags extends OutputFlags {
  readonly username?: string;
  readonly password?: string;
  readonly team?: string;
  readonly role?: string;
  readonly name?: string;
  readonly keyName?: string;
  readonly expiryDays?: string;
}

/** The password stays here: what the server is told is whom to write the lines for. */
export async function runAddUser(
  context: CtlContext,
  [word]: Words,
  flags: UserFlags,
): Promise<number> {
  const username = given(word, flags.username, "--username");
  if (flags.password !== undefined) {
    context.stderr.write("note: the password is not sent: `innominatus user hash` takes it\n");
  }
  const client = await createClient(context, flags);
  const { team: of, role } = flags;
  const body = { username, ...(of === undefined ? {} : { team: of }), ...(role && { role }) };
  return ask(context, client, "/api/admin/users", { method: "POST", body: jsonBody(body) });
}

export async function runDeleteUser(
  context: CtlContext,
  [word]: Words,
  flags: UserFlags,
): Promise<number> {
  const username = given(word, flags.username, "--username");
  const client = await createClient(context, flags);
  return ask(context, client, pathOf("/api/admin/users", username), { method: "DELETE" });
}

export async function runUserKeys(
  context: CtlContext,
  [word]: Words,
  flags: UserFlags,
): Promise<number> {
  const username = given(word, flags.username, "--username");
  const client = await createClient(context, flags);
  const keys = await client.list(`${pathOf("/api/admin/users", username)}/api-keys`, apiKey);
  printListing(context, keyColumns, keys, "no API keys", flags);
  return 0;
}

export async function runUserCreateKey(
  context: CtlContext,
  [word]: Words,
  flags: UserFlags,
): Promise<number> {
  const username = given(word, flags.username, "--username");
  const client = await createClient(context, flags);
  const body = jsonBody({ name: flags.name ?? "NAME" });
  const path = `${pathOf("/api/admin/users", username)}/api-keys`;
  return ask(context, client, path, { method: "POST", body });
}

export async function runUserRevokeKey(
  context: CtlContext,
  [word, key]: Words,
  flags: UserFlags,
): Promise<number> {
  const username = given(word, flags.username, "--username");
  const name = given(key, flags.keyName, "--key-name");
  const client = await createClient(context, flags);
  const path = `${pathOf("/api/admin/users", username)}/api-keys/${encodeURIComponent(name)}`;
  await client.text(path, { method: "DELETE" });
  context.stdout.write(`API key ${visible(name)} of ${visible(username)} is revoked\n`);
  return 0;
}

/** Upstream's names of `api-key create` and `api-key revoke`. */
export const runAdminCreateKey = (
  context: CtlContext,
  [word]: Words,
  flags: CreateKeyFlags & { readonly name?: string },
): Promise<number> => runCreateKey(context, [given(word, flags.name, "--name")], flags);

export const runAdminRevokeKey = (
  context: CtlContext,
  [word]: Words,
  flags: CtlFlags & { readonly name?: string; readonly keyName?: string },
): Promise<number> =>
  runRevokeKey(context, [given(word, flags.name ?? flags.keyName, "--name")], flags);

export async function runTeams(context: CtlContext, _: Words, flags: OutputFlags): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/teams", team);
  printListing(
    context,
    [
      { title: "name", text: (it) => it.name },
      { title: "workloads", text: (it) => it.workloads.join(", ") },
      { title: "members", text: (it) => it.members.map((member) => member.username).join(", ") },
    ],
    rows,
    "no teams",
    flags,
  );
  return 0;
}

export async function runTeam(
  context: CtlContext,
  [name = ""]: Words,
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await client.call(pathOf("/api/teams", name), team);
  printOne(
    context,
    found,
    (paint) =>
      facts(paint, [
        ["name", found.name],
        ["description", found.description],
        ["workloads", found.workloads.join(", ")],
        ...found.members.map((it) => ["member", `${it.username}, ${it.role}`] as const),
      ]),
    flags,
  );
  return 0;
}

export async function runCreateTeam(
  context: CtlContext,
  [word]: Words,
  flags: CtlFlags & { readonly name?: string },
): Promise<number> {
  const name = given(word, flags.name, "--name");
  const client = await createClient(context, flags);
  return ask(context, client, "/api/teams", { method: "POST", body: jsonBody({ name }) });
}

export async function runDeleteTeam(
  context: CtlContext,
  [name = ""]: Words,
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  return ask(context, client, pathOf("/api/teams", name), { method: "DELETE" });
}

/** Where upstream changes what is declared elsewhere here, the server's refusal is the answer. */
export async function ask(
  context: CtlContext,
  client: Client,
  path: string,
  call: Call,
): Promise<number> {
  const text = await client.text(path, call);
  // A server that is newer, or upstream's, may do it.
  const said = text === "" ? "done" : visible(text.trimEnd());
  context.stdout.write(`${screenOf(context).paint.dim(said)}\n`);
  return 0;
}

function given(word: string | undefined, flag: string | undefined, name: string): string {
  const found = word ?? flag;
  if (found !== undefined && found !== "") return found;
  throw new CommandError(`${name} is missing`, name, `add ${name} and its value`, { exitCode: 2 });
}

const pathOf = (base: string, name: string): string => `${base}/${encodeURIComponent(name)}`;

const pairs = (teams: Readonly<Record<string, string>>): string =>
  Object.entries(teams)
    .map(([name, role]) => `${name}: ${role}`)
    .join(", ");
