/**
 * Tokens by server, in a file that only its owner reads: `$XDG_CONFIG_HOME/innominatus/credentials.json`.
 * A token in the environment is stronger, and is never written anywhere.
 */
import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { CommandContext } from "../context.ts";
import { CommandError } from "../output/failure.ts";

const entry = z.looseObject({
  username: z.string(),
  token: z.string(),
  /** ISO 8601; `null` where it does not end. */
  expires: z.string().nullable(),
});

/** Loose: what another version keeps there is left as it is. */
const file = z.looseObject({ servers: z.record(z.string(), entry) });

type CredentialsFile = z.output<typeof file>;

export interface Credentials {
  readonly username: string;
  readonly token: string;
  readonly expires: string | null;
}

export interface FoundToken {
  readonly token: string;
  /** Where it came from, for people. */
  readonly from: string;
  readonly expires: string | null;
}

type Environment = Pick<CommandContext, "env">;

export function credentialsPath({ env }: Environment): string {
  const configured = env["XDG_CONFIG_HOME"] ?? "";
  const home = env["HOME"] ?? homedir();
  // The specification has relative paths ignored.
  const folder = configured.startsWith("/") ? configured : join(home, ".config");
  return join(folder, "innominatus", "credentials.json");
}

export async function findToken(
  context: Environment,
  server: string,
): Promise<FoundToken | undefined> {
  for (const name of ["INNOMINATUS_API_TOKEN", "IDP_API_KEY"]) {
    const token = context.env[name]?.trim() ?? "";
    if (token !== "") return { token, from: name, expires: null };
  }
  const { servers } = await read(context);
  const found = Object.hasOwn(servers, server) ? servers[server] : undefined;
  if (found === undefined) return undefined;
  return { token: found.token, from: credentialsPath(context), expires: found.expires };
}

export async function saveCredentials(
  context: Environment,
  server: string,
  credentials: Credentials,
): Promise<void> {
  const all = await read(context);
  await write(context, { ...all, servers: { ...all.servers, [server]: { ...credentials } } });
}

/** @returns whether there was something to forget */
export async function forgetCredentials(context: Environment, server: string): Promise<boolean> {
  const all = await read(context);
  if (!Object.hasOwn(all.servers, server)) return false;
  const { [server]: _, ...servers } = all.servers;
  await write(context, { ...all, servers });
  return true;
}

async function read(context: Environment): Promise<CredentialsFile> {
  const path = credentialsPath(context);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    const next = "make it readable for you, or remove it and run `innominatus-ctl login`";
    throw new CommandError("the credentials cannot be read", path, next, { cause: error });
  });
  if (text === undefined) return { servers: {} };
  await closeToOthers(path);
  const parsed = file.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const next = "remove it, and run `innominatus-ctl login`";
  throw new CommandError("the credentials file is damaged", path, next);
}

/** Whatever opened it up, a copy or an old umask, it does not stay so. */
async function closeToOthers(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) await chmod(path, 0o600);
}

/** Nothing of the text in an error: it holds tokens. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In one rename: two logins at once leave a whole file, and a full disk the old one. */
async function write(context: Environment, content: CredentialsFile): Promise<void> {
  const path = credentialsPath(context);
  const temporary = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  await rename(temporary, path);
}
