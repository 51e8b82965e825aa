/** The providers that we ship stand what every provider has to, the shared database on a real server. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestPostgres } from "../../test/support/database.ts";
import { runningClock } from "../../test/support/step.ts";
import { runCase } from "./cases.ts";
import { tryProvider, withScratch, type Trial, type TrialOptions } from "./conformance.ts";
import { readProviderFolder } from "./provider-folder.ts";

let server: Awaited<ReturnType<typeof createTestPostgres>>;
beforeAll(async () => {
  server = await createTestPostgres();
});
afterAll(() => server.remove());

const path = process.env["PATH"] ?? "";

describe.each(readdirSync("providers").toSorted())("providers/%s", (name) => {
  const folder = join("providers", name);
  const { provider, cases, conformance } = readProviderFolder(folder, "provider.yaml");
  if (provider === undefined) throw new Error(`${folder} cannot be read`);

  it("passes its own cases", () =>
    withScratch(path, runningClock, {}, async (executors) => {
      const results = cases.map((it) => runCase(it, provider, executors));
      expect(results.flatMap((it) => it.problems)).toEqual([]);
    }));

  it("may be repeated, killed and resumed", async () => {
    const options: TrialOptions = {
      settings: conformance,
      connections: { "shared-postgres": { url: server.url } },
      only: undefined,
      path,
      clock: runningClock,
      random: () => 0.5,
      signal: new AbortController().signal,
      timeoutMs: 120_000,
    };
    const trials: Trial[] = [];
    for await (const trial of tryProvider(provider, options)) trials.push(trial);
    const failed = trials.flatMap(({ type, checks }) =>
      checks
        .filter((it) => it.state === "failed")
        .map((it) => `${type}: ${it.name}: ${it.message}`),
    );
    expect(failed).toEqual([]);
    const skipped = trials.filter((it) => it.state === "skipped").map((it) => it.reason);
    // What acts in a cluster is tried on a real API server, in test/kube.
    const known = /^it is an alias for|acts in a cluster, and there is none here$/;
    expect(skipped.filter((it) => !known.test(it))).toEqual([]);
    expect(trials.length).toBeGreaterThan(skipped.length);
  }, 120_000);
});
