/** What the controller costs while nothing happens, with 10,000 resources on record, on either store. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../src/store/database.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import type { Figure } from "./measure.ts";
import { startPostgres } from "./postgres.ts";
import { isReady, startController, until } from "./process.ts";
import { generateRepository, specs } from "./repository.ts";

const count = 10_000;
const seconds = 30;
/** For what the first publication of all of it took to be given back. */
const settleMs = 30_000;

export async function idleCost(home: string): Promise<Figure[]> {
  const embedded = await measure(home, "embedded", {}, (dataDir) =>
    openEmbedded(join(dataDir, "database")),
  );
  const server = await startPostgres();
  try {
    const env = { DATABASE_URL: server.url, INNOMINATUS_ENCRYPTION_KEY: key };
    const open = (): Promise<Database> => openPostgres(server.url, { poolSize: 1 });
    return [...embedded, ...(await measure(home, "PostgreSQL", env, open))];
  } finally {
    await server.stop();
  }
}

const key = Buffer.alloc(32, 7).toString("base64");

async function measure(
  home: string,
  store: string,
  env: NodeJS.ProcessEnv,
  open: (dataDir: string) => Promise<Database>,
): Promise<Figure[]> {
  const origin = await generateRepository(specs(count));
  const dataDir = join(origin.folder, "data");
  try {
    // Planned and recorded by the program itself; only the runs are passed over.
    const first = await startController(home, origin.url, dataDir, { env });
    await until(() => first.lines.some((it) => it.msg === "planned"), 120_000);
    await first.stop();
    await pretendActive(await open(dataDir));

    const controller = await startController(home, origin.url, dataDir, { env });
    await until(() => isReady(controller.url), 120_000);
    await sleep(settleMs);
    const before = await controller.cpuMs();
    await sleep(seconds * 1_000);
    const cpu = (await controller.cpuMs()) - before;
    const rss = await controller.rssMb();
    await controller.stop();
    const name = `idle with ${count} resources, ${store}`;
    return [
      { name: `${name}: CPU`, value: cpu / (seconds * 10), unit: "%", target: "≤ 1" },
      { name: `${name}: memory`, value: rss, unit: "MB", target: "≤ 300" },
    ];
  } finally {
    await origin.remove();
  }
}

/** As if all of their runs had succeeded; closes it. */
export async function pretendActive(db: Database): Promise<void> {
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
