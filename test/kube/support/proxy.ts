/**
 * Stands between the controller and the API server, with the server's own certificate: answers 429,
 * drops an answer after the server has acted, cuts what is open.
 */
import { createServer, request } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiServer } from "./server.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
}

/** `pass` it on, answer `busy` without doing so, or `drop` the answer to what the server has done. */
export type Verdict = "pass" | "busy" | "drop";

export interface Proxy {
  /** Reaches the server through here. */
  readonly kubeconfigFile: string;
  judge(verdict: (asked: Asked) => Verdict): void;
  /** Told when the server has answered and before the controller hears of it. */
  onAnswer(hear: (asked: Asked) => void): void;
  /** Ends every open connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startProxy(server: ApiServer): Promise<Proxy> {
  let verdict: (asked: Asked) => Verdict = () => "pass";
  let hear: (asked: Asked) => void = () => undefined;
  const { ca, key } = server;
  const target = new URL(server.url);

  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method = "GET", url = "/", headers } = incoming;
    const asked = { method, path: url.replace(/\?.*$/, "") };
    const judged = verdict(asked);
    if (judged === "busy") {
      incoming.resume();
      outgoing.writeHead(429, { "content-type": "application/json", "retry-after": "1" });
      outgoing.end('{"kind":"Status","reason":"TooManyRequests","message":"slow down"}');
      return;
    }
    const options = { host: target.hostname, port: target.port, method, path: url, headers, ca };
    const passed = request(options, (answer) => {
      hear(asked);
      if (judged === "drop") {
        answer.resume();
        outgoing.destroy();
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  };
  const proxy = createServer({ key, cert: ca }, handle);
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const folder = await mkdtemp(join(tmpdir(), "innominatus-kube-proxy-"));
  const kubeconfigFile = join(folder, "kubeconfig");
  const through = server.kubeconfig.replaceAll(server.url, `https://127.0.0.1:${address.port}`);
  await writeFile(kubeconfigFile, through, { mode: 0o600 });
  return {
    kubeconfigFile,
    judge: (it) => {
      verdict = it;
    },
    onAnswer: (it) => {
      hear = it;
    },
    cut: () => proxy.closeAllConnections(),
    async close() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
