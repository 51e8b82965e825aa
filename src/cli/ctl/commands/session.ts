/** `login`, `logout`, `whoami` and API keys: who one is, and with what one shows it. */
import type { z } from "zod";
import { utc } from "../../../plan/render/visible.ts";
import { CommandError } from "../../output/failure.ts";
import type { Listing } from "../../output/listing.ts";
import { apiKey, createdApiKey, login, userInfo } from "../answers.ts";
import { createClient, jsonBody } from "../client.ts";
import { isInTheClear, serverOf, type CtlContext, type CtlFlags } from "../context.ts";
import { credentialsPath, findToken, forgetCredentials, saveCredentials } from "../credentials.ts";
import { facts, printListing, printOne, type OutputFlags } from "../print.ts";

export interface LoginFlags extends CtlFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly sso?: boolean;
  readonly name?: string;
  readonly expiryDays?: string;
}

export async function runLogin(
  context: CtlContext,
  _: readonly string[],
  flags: LoginFlags,
): Promise<number> {
  if (flags.sso === true) {
    throw new CommandError(
      "signing in through a browser is not offered",
      "--sso",
      "set INNOMINATUS_API_TOKEN to a token of your identity provider: the server takes it as it is",
      { exitCode: 2 },
    );
  }
  const client = await createClient(context, flags, { anonymous: true });
  const { server } = client;
  if (isInTheClear(server)) {
    context.stderr.write(`warning: ${server} is not https: the password can be read on its way\n`);
  }
  const username = flags.username ?? (await askFor(context, "Username: ", "--username"));
  const password = flags.passwordStdin
    ? (await context.stdin.readAll()).replace(/\r?\n$/, "")
    : await askFor(context, "Password: ", "--password-stdin");
  const found = await client
    .call("/api/login", login, { method: "POST", body: jsonBody({ username, password }) })
    .catch((error: unknown) => {
      if (!(error instanceof CommandError) || error.exitCode !== 4) throw error;
      const next = "check both, and run it again";
      throw new CommandError(error.message, server, next, { exitCode: 4 });
    });
  const session = {
    username: found.username || username,
    token: found.token,
    expires: found.expires,
  };
  await saveCredentials(context, server, session);
  const kept = flags.name === undefined ? session : await keep(context, flags, session);
  const until = kept.expires === null ? "" : ` until ${utc(kept.expires)}`;
  context.stdout.write(`Signed in to ${server} as ${kept.username}${until}\n`);
  return 0;
}

/** As upstream does: an API key that outlives the session, in its place. */
async function keep(
  context: CtlContext,
  flags: LoginFlags,
  session: { readonly username: string; readonly token: string },
): Promise<{ readonly username: string; readonly expires: string | null }> {
  const client = await createClient(context, flags);
  const body = jsonBody({ name: flags.name, expiry_days: daysOf(flags.expiryDays) });
  const key = await client.call("/api/profile/api-keys", createdApiKey, { method: "POST", body });
  const { username } = session;
  const credentials = { username, token: key.key, expires: key.expires_at };
  await saveCredentials(context, client.server, credentials);
  return credentials;
}

async function askFor(context: CtlContext, question: string, flag: string): Promise<string> {
  if (!context.stdin.isTTY) {
    const next = `add ${flag}`;
    throw new CommandError("there is no terminal to ask on", flag, next, { exitCode: 2 });
  }
  const answer = await context.stdin.ask(question, { hidden: flag === "--password-stdin" });
  context.stop.throwIfAborted();
  return answer;
}

export async function runLogout(
  context: CtlContext,
  _: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const server = serverOf(context, flags);
  const token = await findToken(context, server);
  if (token?.from === credentialsPath(context)) {
    // Gone from here whatever the server says: it may be away, or the session over.
    const client = await createClient(context, flags);
    await client.text("/api/logout", { method: "POST" }).catch((error: unknown) => {
      context.stop.throwIfAborted();
      if (!(error instanceof CommandError)) throw error;
    });
  }
  const known = await forgetCredentials(context, server);
  context.stdout.write(
    known ? `Signed out of ${server}\n` : `You were not signed in to ${server}\n`,
  );
  return 0;
}

export async function runWhoami(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const me = await client.call("/api/user-info", userInfo);
  printOne(
    context,
    me,
    (paint) =>
      facts(paint, [
        ["username", me.username],
        ["role", me.role],
        ["team", me.team],
        ["server", client.server],
      ]),
    flags,
  );
  return 0;
}

export async function runKeys(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const keys = await client.list("/api/profile/api-keys", apiKey);
  printListing(context, keyColumns, keys, "no API keys", flags);
  return 0;
}

export const keyColumns: Listing<z.output<typeof apiKey>>["columns"] = [
  { title: "name", text: (it) => it.name },
  { title: "key", text: (it) => it.masked_key },
  { title: "created", text: (it) => timeOf(it.created_at) },
  { title: "expires", text: (it) => timeOf(it.expires_at) },
  { title: "last used", text: (it) => timeOf(it.last_used_at) },
];

export interface CreateKeyFlags extends OutputFlags {
  readonly expiryDays?: string;
  readonly scope?: readonly string[];
}

/** The key and nothing else on stdout: it is shown this once. */
export async function runCreateKey(
  context: CtlContext,
  [name = ""]: readonly string[],
  flags: CreateKeyFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const scopes = flags.scope === undefined ? {} : { scopes: flags.scope };
  const body = jsonBody({ name, expiry_days: daysOf(flags.expiryDays), ...scopes });
  const key = await client.call("/api/profile/api-keys", createdApiKey, { method: "POST", body });
  context.stderr.write(`keep it: it is shown this once, and ends ${timeOf(key.expires_at)}\n`);
  printOne(context, key, () => `${key.key}\n`, flags);
  return 0;
}

export async function runRevokeKey(
  context: CtlContext,
  [name = ""]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  await client.text(`/api/profile/api-keys/${encodeURIComponent(name)}`, { method: "DELETE" });
  context.stdout.write(`API key ${name} is revoked\n`);
  return 0;
}

function daysOf(given = "90"): number {
  const days = Number(given);
  if (Number.isInteger(days) && days > 0) return days;
  const next = "give a whole number from 1";
  throw new CommandError(`"${given}" is no number of days`, "--expiry-days", next, { exitCode: 2 });
}

const timeOf = (time: string | null): string => (time === null || time === "" ? "" : utc(time));
