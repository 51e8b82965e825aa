/** A real process killed with SIGKILL: inside of steps, before and after their effect, and at any moment. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { createTestPostgres, databases } from "../support/database.ts";
import { createOrigin, type Origin } from "../support/repository.ts";
import { build, start, sync, type Installation } from "./support/cli.ts";
import { seeded } from "./support/random.ts";
import { effectsOf, score, specFile, thingFiles } from "./support/thing.ts";

const settled = { code: 0, signal: null, stderr: "" };

interface Place extends Installation {
  readonly world: string;
  readonly origin: Origin;
  close(): Promise<void>;
}

const chapters: readonly [string, string | null, readonly string[]][] = [
  ["create", score("small"), ["prepare", "make"]],
  ["update", score("large"), ["make"]],
  ["delete", null, ["remove", "after"]],
];

beforeAll(build, 180_000);

describe.each(databases())("a killed process on %s", (kind) => {
  const places: Place[] = [];
  afterAll(async () => {
    for (const it of places) await it.close();
  });
  const place = async (): Promise<Place> => {
    const made = await openPlace(kind);
    places.push(made);
    return made;
  };

  it("goes on where it was killed: in every step, before its effect and after", async () => {
    const { world, origin, ...at } = await place();
    for (const [operation, spec, steps] of chapters) {
      await origin.commit({ [specFile]: spec }, operation);
      for (const step of steps) {
        for (const when of ["before", "after"]) {
          await writeFile(join(world, `kill-${operation}-${step}-${when}`), "");
          expect(await sync(at)).toMatchObject({ signal: "SIGKILL" });
        }
      }
      expect(await sync(at)).toMatchObject(settled);
    }
    // Killed before the effect, killed after it, and once more to its end: the effect is repeated
    // where nobody recorded it, and nowhere else.
    const counts = [...(await effectsOf({ folder: world })).entries()].map(
      ([key, count]) => [key.replace(/^.*\//, ""), count] as const,
    );
    expect(counts).toEqual([
      ["prepare", 2],
      ["make", 2],
      ["make", 2],
      ["remove", 2],
      ["after", 2],
    ]);
    expect(await origin.readFile("innominatus/status", "default/shop.yaml")).toBeUndefined();
  });

  it("ends well after kills at moments that nobody chose", async () => {
    const { world, origin, ...at } = await place();
    const random = seeded(20_260_101);
    for (const [operation, spec] of chapters) {
      await origin.commit({ [specFile]: spec }, operation);
      for (let kill = 0; kill < 3; kill++) {
        const running = start(["sync"], at);
        // The first half second is the start of Node itself.
        await Promise.race([running.ended, delay(400 + random() * 1_100)]);
        running.kill("SIGKILL");
        await running.ended;
      }
      expect(await sync(at)).toMatchObject(settled);
      const thing = await readFile(join(world, "thing"), "utf8").catch(() => undefined);
      expect(thing).toBe({ create: "small\n", update: "large\n" }[operation]);
    }
    const tip = await origin.tip("innominatus/status");
    expect(await sync(at)).toMatchObject(settled);
    expect(await origin.tip("innominatus/status")).toBe(tip);
  });
});

/** Each step kills its parent, the controller, where a marker file says so. */
async function openPlace(kind: Database["kind"]): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-killed-"));
  const world = join(folder, "world");
  const dataDir = join(folder, "data");
  for (const it of [world, dataDir]) await mkdir(it);
  const deadly = (name: string, when: string): string =>
    `if rm "$world/kill-${name.replace("/", "-")}-${when}" 2>/dev/null; then kill -9 $PPID; sleep 60; fi`;
  const names = chapters.flatMap(([operation, , steps]) => steps.map((it) => `${operation}/${it}`));
  const around = Object.fromEntries(
    names.map((it) => [it, { before: deadly(it, "before"), after: deadly(it, "after") }]),
  );
  const origin = await createOrigin(thingFiles({ folder: world }, around));
  const postgres = kind === "postgres" ? await createTestPostgres() : undefined;
  return {
    world,
    origin,
    repo: origin.url,
    dataDir,
    databaseUrl: postgres?.url,
    async close() {
      await origin.close();
      await postgres?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
