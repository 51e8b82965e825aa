/** What the controller costs while nothing happens, with 10,000 resources on record, on either store. */
import { setTimeout as sleep } from "node:timers/promises";
import { count, stores, withLarge, type Store } from "./large.ts";
import type { Figure } from "./measure.ts";

/** As long as a poll's interval: one is in it, wherever it falls. */
const seconds = 66;
/** For what the first publication of all of it took to be given back, by us and by V8. */
const settleMs = 90_000;

export async function idleCost(home: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const it of stores) figures.push(...(await measure(home, it)));
  return figures;
}

const measure = (home: string, store: Store): Promise<Figure[]> =>
  withLarge(home, store, {}, async (controller) => {
    await sleep(settleMs);
    const before = await controller.cpuMs();
    await sleep(seconds * 1_000);
    const cpu = (await controller.cpuMs()) - before;
    const name = `idle with ${count} resources, ${store}`;
    return [
      { name: `${name}: CPU`, value: cpu / (seconds * 10), unit: "%", target: "≤ 1" },
      { name: `${name}: memory`, value: await controller.rssMb(), unit: "MB", target: "≤ 300" },
    ];
  });
