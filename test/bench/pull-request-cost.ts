/** From a push to the comment that tells its plan: the built program, a test forge over HTTP, a webhook. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deliver, takeDeliveries } from "../support/forge/webhooks.ts";
import { openTestForge, type TestForge } from "../support/forge/test-forge.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { pretendActive } from "./large.ts";
import { median, percentile, type Figure } from "./measure.ts";
import { isReady, startController, until, type Controller } from "./process.ts";
import { spec, specPath, specs } from "./repository.ts";

const count = 1_000;
const pushes = 10;
const secret = "bench-secret";

export async function pullRequestCost(home: string): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-bench-"));
  const forge = await openTestForge({ kind: "github", files: Object.fromEntries(specs(count)) });
  try {
    const config = join(folder, "innominatus.yaml");
    await writeFile(config, settingsOf(forge));
    const env = { BENCH_TOKEN: forge.token, BENCH_SECRET: secret };
    const more = { args: ["--config", config], env };
    const dataDir = join(folder, "data");
    // Planned and recorded by the program itself; only the runs are passed over.
    const first = await startController(home, "platform", dataDir, more);
    await until(() => first.lines.some((it) => it.msg === "planned"), 120_000);
    await first.stop();
    await pretendActive(await openEmbedded(join(dataDir, "database")));

    const controller = await startController(home, "platform", dataDir, more);
    await until(() => isReady(controller.url), 120_000);

    for (let index = 0; index < pushes; index += 1) {
      await change(forge, index, "medium");
      await forge.open({ title: `Change ${index}`, branch: `change-${index}` });
    }
    await tell(controller, forge);
    await until(() => [...forge.pullRequests.keys()].every((it) => isTold(forge, it)), 120_000);

    const times: number[] = [];
    for (let index = 0; index < pushes; index += 1) {
      await change(forge, index, "large");
      const pushedAt = performance.timeOrigin + performance.now();
      await tell(controller, forge);
      times.push((await until(() => isTold(forge, index + 1))) - pushedAt);
      await until(() => isSettled(forge, index + 1));
    }
    await controller.stop();
    const name = `push to comment with a webhook, ${count} specs`;
    return [
      { name: `${name} (median of ${pushes})`, value: median(times), unit: "ms", target: "≤ 1000" },
      { name: "the same, 95th percentile", value: percentile(times, 0.95), unit: "ms" },
    ];
  } finally {
    await forge.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** By `file:`, not as a path, so that nothing but the webhook tells of a push. */
const settingsOf = ({ git, webUrl, apiUrl, repository }: TestForge): string => `
repositories:
  - name: platform
    url: file://${git.url}
    forge:
      kind: github
      url: ${webUrl}
      apiUrl: ${apiUrl}
      repository: ${repository}
      tokenEnv: BENCH_TOKEN
      webhookSecretEnv: BENCH_SECRET
`;

const change = (forge: TestForge, index: number, size: string): Promise<string> =>
  forge.push(`change-${index}`, { [specPath(index)]: spec(index, size) });

async function tell(controller: Controller, forge: TestForge): Promise<void> {
  for (const delivery of takeDeliveries(forge, secret)) {
    const status = await deliver(controller.url, delivery);
    if (status !== 202) throw new Error(`the delivery was answered with ${status}`);
  }
}

/** Its comment is of its head, and no older one. */
function isTold(forge: TestForge, number: number): boolean {
  const head = forge.pullRequests.get(number)?.headCommit ?? "";
  return forge
    .commentsOf(number)
    .some((it) => it.body.includes(forge.webUrl) && it.body.includes(head));
}

/** What is told after the comment: the statuses. */
const isSettled = (forge: TestForge, number: number): boolean => {
  const statuses = forge.statusesOf(forge.pullRequests.get(number)?.headCommit ?? "");
  return (statuses.get("innominatus/plan")?.state ?? "pending") !== "pending";
};
