/** `npm run demo -- --kube`, as it is shipped, against the suite's API server. */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { adminOf } from "./support/namespace.ts";

const admin = adminOf(inject("kube"));
const { signal } = new AbortController();

let main = "";
beforeAll(async () => {
  const response = await fetch(`${inject("testDatabases")}/build`);
  main = join(dirname(await response.text()), "../demo/main.js");
});

function run(
  args: readonly string[],
  input: string,
): Promise<{ code: number | null; said: string }> {
  const env = { PATH: process.env["PATH"], KUBECONFIG: inject("kube").kubeconfigFile, CI: "true" };
  const child = spawn(process.execPath, [main, "--kube", ...args], { env });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, said })));
}

const namespaces = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
    }),
  ),
});

/** Those that are not being deleted: nothing here ends that. */
async function demoNamespaces(): Promise<string[]> {
  const { body } = await admin.call({ method: "GET", path: "/api/v1/namespaces" }, signal);
  return namespaces
    .parse(body)
    .items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
    .filter((it) => it.startsWith("demo-"));
}

test("the demo asks before it touches the cluster", async () => {
  const { code, said } = await run([], "n\n");
  expect(said).toContain("The current kubeconfig context is admin");
  expect(said).toContain("Nothing was touched.");
  expect(code).toBe(0);
  expect(await demoNamespaces()).toEqual([]);
});

test("the demo tells its story, and clears up", async () => {
  const { code, said } = await run(["--yes"], "");
  for (const it of ["the ConfigMap says info", "the ConfigMap says debug", "the Secret is gone"]) {
    expect(said).toContain(it);
  }
  expect(code).toBe(0);
  expect(await demoNamespaces()).toEqual([]);
});
