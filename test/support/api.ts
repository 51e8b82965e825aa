/** The HTTP API on a test's database, asked in process: no socket, and every answer is a `Response`. */
import { z } from "zod";
import type { JsonRecord } from "../../src/model/json.ts";
import { createPasswords } from "../../src/server/api/auth/passwords.ts";
import { createApi } from "../../src/server/api/api.ts";
import type { ApiServices } from "../../src/server/api/services.ts";
import type { ApiSettings } from "../../src/settings/api.ts";
import type { SpecStore } from "../../src/controller/spec-store.ts";
import type { Database } from "../../src/store/database.ts";
import { contractOf } from "./contract.ts";
import { emptyTables } from "./runs.ts";
import { servicesOn } from "./services.ts";

export const password = "correct horse battery staple";

/** Cheap, and counted: real scrypt has tests of its own. */
function countingPasswords() {
  const calls: number[] = [];
  const passwords = createPasswords(async (text, salt, size, { N }) => {
    calls.push(N);
    const bytes = Buffer.from(`${text}:${salt.toString("hex")}`);
    return Buffer.alloc(size, bytes);
  });
  return { passwords, calls };
}

export interface TestApi {
  readonly services: ApiServices;
  readonly calls: readonly number[];
  readonly logged: readonly string[];
  /** As it came, whatever the status; held against the OpenAPI document. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** With the token of a user. */
  as(username: string, path: string, init?: RequestInit): Promise<Response>;
  tokenOf(username: string): Promise<string>;
  /** `GET /api/resources/{id}`, every one that the document has. */
  readonly operations: readonly string[];
  stop(): void;
}

const noSpecs: SpecStore = {
  submit: () => Promise.reject(new Error("no repository is in this test")),
  remove: () => Promise.reject(new Error("no repository is in this test")),
  read: () => Promise.resolve(undefined),
};

/** With nothing of the tests before: no resource, no run, no session, and the one first user gone. */
export async function openEmptyApi(db: Database): Promise<TestApi> {
  await emptyTables(db);
  await db.query("truncate api_sessions, api_keys, api_login_attempts, api_users");
  return openTestApi(db);
}

/** Users are named after their roles; `payer` is an operator in the team `payments` only. */
export async function openTestApi(
  db: Database,
  more: Partial<Omit<ApiServices, "settings">> & { readonly settings?: Partial<ApiSettings> } = {},
): Promise<TestApi> {
  const { passwords, calls } = countingPasswords();
  const passwordHash = await passwords.hash(password);
  const logged: string[] = [];
  const stopping = new AbortController();
  const base = servicesOn(db, { onLog: (line) => logged.push(line) });
  const roles = ["viewer", "operator", "approver", "admin"] as const;
  const settings: ApiSettings = {
    path: "apps/{name}/score.yaml",
    mode: "commit",
    sessionMs: 3_600_000,
    metrics: "open",
    cors: [],
    trustedProxies: 0,
    login: { perUser: 5, perAddress: 1_000, windowMs: 60_000 },
    bodyBytes: 100_000,
    users: [
      ...roles.map((role) => ({ username: role, role, teams: {}, passwordHash })),
      { username: "payer", teams: { payments: "operator" }, passwordHash },
    ],
    teams: [{ name: "payments", workloads: ["pay*"] }],
    ...more.settings,
  };
  const services: ApiServices = {
    db,
    sealer: base.sealer,
    clock: base.clock,
    log: base.log,
    passwords,
    version: "1.2.3",
    providers: () => [],
    specs: noSpecs,
    shownSettings: { listen: { port: 8081 } },
    reload: () => Promise.resolve({ changed: false, problems: [] }),
    stopping: stopping.signal,
    ...more,
    settings,
  };
  const { routes } = createApi(services);
  const tokens = new Map<string, string>();
  const answer = async (path: string, init?: RequestInit): Promise<Response> =>
    routes.fetch(new Request(`http://localhost${path}`, init));
  const contract = contractOf(await jsonOf(await answer("/api/openapi.json")));
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await answer(path, init);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    const copy = isStream ? new Response("", response) : response.clone();
    await contract.check(init?.method ?? "GET", path, copy);
    return response;
  };

  const tokenOf = async (username: string): Promise<string> => {
    const known = tokens.get(username);
    if (known !== undefined) return known;
    const response = await ask("/api/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password }),
    });
    const token = textIn(await jsonOf(response), "token");
    tokens.set(username, token);
    return token;
  };
  return {
    services,
    calls,
    logged,
    tokenOf,
    fetch: ask,
    operations: contract.operations,
    async as(username, path, init = {}) {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${await tokenOf(username)}`);
      return ask(path, { ...init, headers });
    },
    stop: () => stopping.abort(),
  };
}

const record = z.record(z.string(), z.json());

export async function jsonOf(response: Response): Promise<JsonRecord> {
  return record.parse(await response.json());
}

export async function listOf(response: Response): Promise<readonly JsonRecord[]> {
  return z.array(record).parse(await response.json());
}

export const textIn = (it: JsonRecord | undefined, key: string): string =>
  z.string().parse(it?.[key]);
