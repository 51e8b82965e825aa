/** `npm run bench [part…]`: prints a table and writes build/bench.json. Timings are never asserted. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { apiLoad } from "./api-load.ts";
import { controllerCost } from "./controller-cost.ts";
import { forgePoll } from "./forge-poll.ts";
import { idleCost } from "./idle.ts";
import { table, type Figure } from "./measure.ts";
import { pullRequestCost } from "./pull-request-cost.ts";
import { throughput } from "./throughput.ts";

const run = promisify(execFile);
const home = fileURLToPath(new URL("../../../", import.meta.url));
const figureSchema = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  target: z.string().exactOptional(),
});

/** Memory is only told apart between processes. */
async function planCost(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of [100, 1_000, 10_000]) {
    const script = fileURLToPath(new URL("./plan-cost-process.js", import.meta.url));
    const { stdout } = await run(process.execPath, [script, String(count), home]);
    figures.push(...z.array(figureSchema).parse(JSON.parse(stdout)));
  }
  return figures;
}

const parts = {
  plan: planCost,
  controller: () => controllerCost(home),
  runs: () => throughput(home),
  idle: () => idleCost(home),
  forge: forgePoll,
  pulls: () => pullRequestCost(home),
  api: () => apiLoad(home),
} satisfies Record<string, () => Promise<Figure[]>>;

const asked = process.argv.slice(2);
const figures: Figure[] = [];
for (const [name, part] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  figures.push(...(await part()));
}
process.stdout.write(`${table(figures)}\n`);
const { stdout: commit } = await run("git", ["-C", home, "rev-parse", "HEAD"]);
const host = {
  node: process.version,
  cpus: cpus().length,
  memoryMb: Math.round(totalmem() / 2 ** 20),
};
const report = { at: new Date().toISOString(), commit: commit.trim(), host, figures };
await writeFile(join(home, "build/bench.json"), `${JSON.stringify(report, null, 2)}\n`);
process.exit(0);
