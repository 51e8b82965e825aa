/** Keeps the embedded database's planner informed: soon after the start, then now and again. */
import { refreshStatistics } from "../store/statistics.ts";
import type { Services } from "./services.ts";

/** After the first look has been recorded, most often. */
const firstMs = 5_000;
const intervalMs = 600_000;

/** @returns when `stop` is aborted */
export async function keepStatistics(
  { db, clock, log }: Pick<Services, "db" | "clock" | "log">,
  stop: AbortSignal,
): Promise<void> {
  const rest = (ms: number) => clock.sleep(ms, stop).catch(() => undefined);
  await rest(firstMs);
  while (!stop.aborted) {
    try {
      await refreshStatistics(db);
    } catch (error) {
      if (!stop.aborted) log.warn({ err: error }, "refreshing the database's statistics");
    }
    await rest(intervalMs);
  }
}
