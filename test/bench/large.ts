/** A controller as it is with 10,000 resources on record, on either store. */
import { join } from "node:path";
import type { Database } from "../../src/store/database.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { startPostgres } from "./postgres.ts";
import { isReady, startController, until, type Controller } from "./process.ts";
import { generateRepository, specs, type Generated } from "./repository.ts";

export const count = 10_000;
export const stores = ["embedded", "PostgreSQL"] as const;
export type Store = (typeof stores)[number];

interface Opened {
  /** Of the controllers. */
  readonly env: NodeJS.ProcessEnv;
  open(dataDir: string): Promise<Database>;
  stop(): Promise<void>;
}

const ofStore: Readonly<Record<Store, () => Promise<Opened>>> = {
  embedded: async () => ({
    env: {},
    open: (dataDir) => openEmbedded(join(dataDir, "database")),
    stop: async () => undefined,
  }),
  async PostgreSQL() {
    const server = await startPostgres();
    const key = Buffer.alloc(32, 7).toString("base64");
    return {
      env: { DATABASE_URL: server.url, INNOMINATUS_ENCRYPTION_KEY: key },
      open: () => openPostgres(server.url, { poolSize: 1 }),
      stop: () => server.stop(),
    };
  },
};

/** Calls `measure` when the controller has just become ready, with all of it recorded as active. */
export async function withLarge<T>(
  home: string,
  store: Store,
  env: NodeJS.ProcessEnv,
  measure: (controller: Controller, origin: Generated) => Promise<T>,
): Promise<T> {
  const opened = await ofStore[store]();
  const origin = await generateRepository(specs(count));
  const dataDir = join(origin.folder, "data");
  const started: Controller[] = [];
  const start = async (): Promise<Controller> => {
    const more = { env: { ...opened.env, ...env } };
    const controller = await startController(home, origin.url, dataDir, more);
    started.push(controller);
    return controller;
  };
  try {
    // Planned and recorded by the program itself; only the runs are passed over.
    const first = await start();
    await until(() => first.lines.some((it) => it.msg === "planned"), 120_000);
    await first.stop();
    await pretendActive(await opened.open(dataDir));
    const controller = await start();
    await until(() => isReady(controller.url), 120_000);
    return await measure(controller, origin);
  } finally {
    for (const it of started) await it.stop();
    await origin.remove();
    await opened.stop();
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
