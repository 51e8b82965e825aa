/**
 * A forge for tests: real HTTP, real git, and people who do things on it. On the GitHub flavour every
 * request and answer is held against GitHub's published description; closing tells what was not as described.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { ForgeKind } from "../../../src/report/forge/forge.ts";
import type { Files } from "../repository.ts";
import type { Fault } from "./faults.ts";
import type { ApiCall, ApiReply } from "./flavour.ts";
import { giteaFlavour } from "./gitea-flavour.ts";
import { githubFlavour, refusal } from "./github-flavour.ts";
import { gitlabFlavour } from "./gitlab-flavour.ts";
import { githubContract } from "./openapi.ts";
import { createWorld, type ForgeWorld } from "./world.ts";

export interface TestForge extends ForgeWorld {
  /** Where people go, and where the API is. */
  readonly webUrl: string;
  readonly apiUrl: string;
  readonly token: string;
  readonly app: { readonly id: string; readonly slug: string; readonly installationId: string };
  /** Answered requests, oldest first. */
  readonly requests: Recorded[];
  /** Used up from the front by the requests they fit. */
  readonly faults: Fault[];
  /** What was not as GitHub describes it. */
  readonly violations: string[];
  /** The forge is away while this is true: connections break. */
  away: boolean;
  /** @throws where something was not as described */
  close(): Promise<void>;
}

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface TestForgeOptions {
  readonly kind: ForgeKind;
  readonly files: Files;
  readonly repository?: string;
  /** We are an App, and not a person's token. GitHub only. */
  readonly asApp?: boolean;
}

const apiBase = { github: "/api/v3", gitea: "/api/v1", gitlab: "/api/v4" } satisfies Record<
  ForgeKind,
  string
>;

export async function openTestForge(options: TestForgeOptions): Promise<TestForge> {
  const { kind, asApp = false } = options;
  const app = { id: "4711", slug: "innominatus", installationId: "99" };
  const selfLogin = asApp ? `${app.slug}[bot]` : "innominatus";
  const world = await createWorld({ ...options, selfLogin });
  const token = asApp ? "ghs_installation" : "forge-token";
  const requests: Recorded[] = [];
  const faults: Fault[] = [];
  const violations: string[] = [];
  let remaining = 5_000;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      violations.push(`answering ${request.method} ${request.url}: ${String(error)}`);
      response.destroy();
    });
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
      else reject(new Error("the test forge has no port"));
    });
  });
  const webUrl = `http://127.0.0.1:${port}`;
  const apiUrl = `${webUrl}${apiBase[kind]}`;
  const flavour = {
    github: () => githubFlavour(world, webUrl, { ...app, installationToken: "ghs_installation" }),
    gitea: () => giteaFlavour(world, webUrl),
    gitlab: () => gitlabFlavour(world, webUrl),
  }[kind]();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", webUrl);
    const path = url.pathname.slice(apiBase[kind].length);
    const { method = "GET" } = request;
    const raw = await text(request);
    const fault = takeFault({ method, path });
    if (forge.away || (fault?.kind === "drop" && fault.when === "before")) {
      response.destroy();
      return;
    }
    const body: unknown = raw === "" ? undefined : JSON.parse(raw);
    const call = { method, path, url, query: url.searchParams, body: Object.assign({}, body) };
    const reply =
      fault?.kind === "answer"
        ? { ...refusal(fault.status, fault.message), headers: fault.headers }
        : await authorised(request, call);
    if (kind === "github") hold(call, body, reply);
    if (fault?.kind === "drop") {
      response.destroy();
      return;
    }
    send(request, response, call, reply);
  }

  function takeFault(seen: { readonly method: string; readonly path: string }): Fault | undefined {
    const index = faults.findIndex((it) => it.fits(seen));
    return index < 0 ? undefined : faults.splice(index, 1)[0];
  }

  async function authorised(request: IncomingMessage, call: ApiCall): Promise<ApiReply> {
    const given = request.headers.authorization ?? "";
    const asTheApp = kind === "github" && call.path.startsWith("/app");
    const wanted = asTheApp
      ? /^bearer [\w-]+\.[\w-]+\.[\w-]+$/i
      : new RegExp(`^${kind === "gitlab" ? "Bearer" : "token"} ${token}$`, "i");
    if (!wanted.test(given)) return refusal(401, "Bad credentials");
    await world.refresh();
    return flavour(call);
  }

  function hold(call: ApiCall, body: unknown, reply: ApiReply): void {
    const exchange = { method: call.method, path: call.path, query: call.query, body };
    const contract = githubContract();
    const described = [
      ...contract.checkRequest(exchange),
      ...contract.checkAnswer(exchange, reply.status, reply.body),
    ];
    violations.push(...described);
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    { method, path }: ApiCall,
    reply: ApiReply,
  ): void {
    const content = reply.body === undefined ? "" : JSON.stringify(reply.body);
    const headers: Record<string, string> = { ...reply.headers };
    if (reply.body !== undefined) headers["content-type"] = "application/json; charset=utf-8";
    let { status } = reply;
    // Gitea answers no conditional request.
    if (kind !== "gitea" && method === "GET" && status === 200) {
      headers["etag"] = `W/"${createHash("sha256").update(content).digest("hex")}"`;
      if (request.headers["if-none-match"] === headers["etag"]) status = 304;
    }
    if (kind === "github") {
      if (status !== 304) remaining -= 1;
      headers["x-ratelimit-limit"] ??= "5000";
      headers["x-ratelimit-remaining"] ??= String(remaining);
      headers["x-ratelimit-reset"] ??= String(Math.ceil(Date.now() / 1_000) + 3_600);
    }
    requests.push({ method, path, status });
    response.writeHead(status, headers).end(status === 304 ? undefined : content);
  }

  const forge: TestForge = Object.assign(world, {
    webUrl,
    apiUrl,
    token,
    app,
    requests,
    faults,
    violations,
    away: false,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await world.git.close();
      if (violations.length > 0) throw new Error(`not as described:\n${violations.join("\n")}`);
    },
  });
  return forge;
}
