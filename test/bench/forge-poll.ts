/** What it costs to look at a forge where nothing changed: 200 open pull requests, on a test forge over HTTP. */
import type { ForgeKind } from "../../src/report/forge/forge.ts";
import { connectTo } from "../support/forge/connect.ts";
import { openTestForge } from "../support/forge/test-forge.ts";
import { virtualClock } from "../support/clock.ts";
import { median, timed, type Figure } from "./measure.ts";

const count = 200;
const kinds: readonly ForgeKind[] = ["github", "gitea", "gitlab"];

export async function forgePoll(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of kinds) figures.push(...(await pollOf(kind)));
  return figures;
}

async function pollOf(kind: ForgeKind): Promise<Figure[]> {
  const { signal } = new AbortController();
  const world = await openTestForge({ kind, files: { "a.txt": "a\n" } });
  try {
    for (let index = 0; index < count; index += 1) {
      await world.open({ title: `Change ${index}`, branch: "main" });
    }
    const forge = connectTo(world, { clock: virtualClock() });
    const since = world.now();
    const poll = async (): Promise<void> => {
      await forge.listPullRequests(signal);
      await forge.listComments(since, signal);
    };
    await poll();
    const times: number[] = [];
    let requests = 0;
    for (let round = 0; round < 5; round += 1) {
      world.requests.length = 0;
      times.push((await timed(poll)).ms);
      requests = Math.max(requests, world.requests.length);
    }
    const name = `${count} open pull requests, unchanged, ${kind}`;
    return [
      { name: `${name}: requests`, value: requests, unit: "", target: "≤ 3" },
      { name: `${name}: time with the test forge's own`, value: median(times), unit: "ms" },
    ];
  } finally {
    await world.close();
  }
}
