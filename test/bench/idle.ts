/** What the controller costs while nothing happens, with 10,000 resources on record. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "../../src/store/embedded.ts";
import type { Figure } from "./measure.ts";
import { isReady, startController, until } from "./process.ts";
import { generateRepository, specs } from "./repository.ts";

const count = 10_000;
const seconds = 30;

export async function idleCost(home: string): Promise<Figure[]> {
  const origin = await generateRepository(specs(count));
  const dataDir = join(origin.folder, "data");
  try {
    // Planned and recorded by the program itself; only the runs are passed over.
    const first = await startController(home, origin.url, dataDir);
    await until(() => first.lines.some((it) => it.msg === "planned"), 120_000);
    await first.stop();
    await pretendActive(join(dataDir, "database"));

    const controller = await startController(home, origin.url, dataDir);
    await until(() => isReady(controller.url), 60_000);
    await sleep(15_000);
    const before = await controller.cpuMs();
    await sleep(seconds * 1_000);
    const cpu = (await controller.cpuMs()) - before;
    const rss = await controller.rssMb();
    await controller.stop();
    return [
      {
        name: `idle with ${count} resources: CPU`,
        value: cpu / (seconds * 10),
        unit: "%",
        target: "≤ 1",
      },
      { name: `idle with ${count} resources: memory`, value: rss, unit: "MB", target: "≤ 300" },
    ];
  } finally {
    await origin.remove();
  }
}

/** As if all of their runs had succeeded. */
export async function pretendActive(directory: string): Promise<void> {
  const db = await openEmbedded(directory);
  try {
    await db.query(`update runs set state = 'succeeded', ended_at = store_now()`);
    await db.query(`update locks set run = null`);
    await db.query(
      `update resources set phase = 'active', touched = true, revision = 1, attempted = null,
         changed_in = pg_current_xact_id()`,
    );
  } finally {
    await db.close();
  }
}
