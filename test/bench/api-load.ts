/** The HTTP API under 64 connections at 10,000 resources, while commits come and are looked at. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { count, stores, withLarge, type Store } from "./large.ts";
import { median, timed, type Figure } from "./measure.ts";
import { spec, specPath, type Generated } from "./repository.ts";

const run = promisify(execFile);
const connections = 64;
const seconds = 10;

const report = z.object({
  latency: z.object({ p50: z.number(), p99: z.number() }),
  requests: z.object({ average: z.number() }),
  non2xx: z.number(),
  errors: z.number(),
});

const password = "only-for-this-benchmark";

export async function apiLoad(home: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const it of stores) figures.push(...(await measure(home, it)));
  return figures;
}

const measure = (home: string, store: Store): Promise<Figure[]> =>
  withLarge(home, store, { INNOMINATUS_ADMIN_PASSWORD: password }, async (controller, origin) => {
    const { url } = controller;
    await sleep(15_000);
    const token = await logIn(url);
    const [one] = z
      .array(z.object({ id: z.string() }))
      .parse(await (await ask(url, "/api/resources?limit=1", token)).json());
    const paths = {
      list: "/api/resources?limit=100",
      detail: `/api/resources/${one?.id ?? ""}`,
      health: "/health",
    };
    const figures: Figure[] = [];
    for (const [name, path] of Object.entries(paths)) {
      const done = new AbortController();
      const pushing = pushEverySecond(origin, done.signal);
      try {
        figures.push(...(await load(`API ${name}, ${store}`, `${url}${path}`, token)));
      } finally {
        done.abort();
        await pushing;
      }
    }
    const about = `${count} resources, ${store}`;
    return [
      ...figures,
      {
        name: `API POST of a spec, ${about} (median of 5)`,
        value: await submissions(url, token),
        unit: "ms",
      },
      { name: `API under load, ${about}: memory`, value: await controller.rssMb(), unit: "MB" },
    ];
  });

const ask = (url: string, path: string, token: string): Promise<Response> =>
  fetch(url + path, { headers: { authorization: `Bearer ${token}` } });

/** Checked, planned, committed and pushed, each a change of another size. @returns milliseconds */
async function submissions(url: string, token: string): Promise<number> {
  const took: number[] = [];
  for (const size of ["medium", "large", "small", "medium", "large"]) {
    const { ms, value: response } = await timed(() =>
      fetch(`${url}/api/specs`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/yaml" },
        body: spec(count - 1, size),
      }),
    );
    if (!response.ok) throw new Error(`POST /api/specs: ${await response.text()}`);
    took.push(ms);
  }
  return median(took);
}

async function logIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "admin", password }),
  });
  return z.object({ token: z.string() }).parse(await response.json()).token;
}

/** In a process of its own: what asks must not slow down what answers. */
async function load(name: string, url: string, token: string): Promise<Figure[]> {
  const require = createRequire(import.meta.url);
  const program = require.resolve("autocannon");
  const options = ["-j", "-c", String(connections), "-d", String(seconds), "-t", "60"];
  const header = ["-H", `authorization=Bearer ${token}`];
  const { stdout } = await run(process.execPath, [program, ...options, ...header, url]);
  const { latency, requests, non2xx, errors } = report.parse(JSON.parse(stdout));
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx + errors} requests went wrong`);
  const about = `${name}, ${connections} connections`;
  return [
    { name: `${about}: median`, value: latency.p50, unit: "ms" },
    { name: `${about}: 99th percentile`, value: latency.p99, unit: "ms" },
    { name: `${about}: requests`, value: requests.average, unit: "/s" },
  ];
}

/** What keeps the controller looking, planning and running. */
async function pushEverySecond(origin: Generated, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const size = round % 2 === 0 ? "large" : "small";
    await origin.commit(new Map([[specPath(round), spec(round, size)]]), `Size ${round}`);
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
}
