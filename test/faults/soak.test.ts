/**
 * Two minutes of everything at once: three controllers on one PostgreSQL, 2,000 resources, commits
 * that add, change, remove and revert, and kills without a pattern; then quiet. What is there in the
 * end is what the last commit asks for, each of it made once, and nothing of the rest is left.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Files } from "../support/repository.ts";
import { build, type Process } from "./support/cli.ts";
import { expectInvariants } from "./support/invariants.ts";
import { openLab, untilQuiet, type Lab } from "./support/lab.ts";
import { linesOf, specsOf, wantedAt, type Wanted } from "./support/ledger.ts";
import { seeded } from "./support/random.ts";

const each = 20;
/** How many resources there are at first: 2,000 is the whole soak, less is for a small machine. */
const workloads = Math.ceil(Number(process.env["INNOMINATUS_SOAK_RESOURCES"] ?? "2000") / each);
const chaosMs = Number(process.env["INNOMINATUS_SOAK_SECONDS"] ?? "120") * 1_000;
const replicas = ["one", "two", "three"];
const sizes = ["small", "medium", "large"];
const env = { INNOMINATUS_WORKERS_PER_PROVIDER: "12", INNOMINATUS_LOG_LEVEL: "warn" };

describe("three controllers under commits and kills", () => {
  let lab: Lab;
  const random = seeded(20_260_101);
  const below = (count: number): number => Math.floor(random() * count);
  const all = new Map<string, Wanted[string]>(
    Array.from({ length: workloads }, (_, index) => [`w${index}`, workload(index)]),
  );
  beforeAll(async () => {
    await build();
    lab = await openLab({ wanted: Object.fromEntries(all) });
  }, 240_000);
  afterAll(() => lab.close(), 60_000);

  /** Of the commits so far those that may be reverted, and whether each is the last of its files. */
  const reverts: string[] = [];

  const mutate = async (): Promise<void> => {
    const names = [...all.keys()];
    const name = names[below(names.length)] ?? "";
    const drawn = random();
    if (drawn < 0.15 && reverts.length > 0) {
      await lab.origin.revert(reverts.pop() ?? "");
      return;
    }
    const change = drawn < 0.3 ? removed(name) : drawn < 0.45 ? added(name) : changed(name);
    reverts.push(await lab.origin.commit(change, `${drawn < 0.3 ? "Remove" : "Change"} ${name}`));
    // A revert of an older commit would bring back what later ones have changed: of these two only the last.
    reverts.splice(0, reverts.length - 1);
  };
  const specs = (name: string, given: Readonly<Record<string, string>>): Files =>
    specsOf({ [name]: given });
  const removed = (name: string): Files =>
    random() < 0.5
      ? { [`apps/${name}/score.yaml`]: null }
      : specs(
          name,
          Object.fromEntries(Object.entries(all.get(name) ?? {}).slice(0, 1 + below(each - 1))),
        );
  const added = (name: string): Files =>
    specs(name, { ...all.get(name), [`${name}n${below(5)}`]: "small" });
  const changed = (name: string): Files =>
    specs(
      name,
      Object.fromEntries(
        Object.keys(all.get(name) ?? {}).map((it) => [it, sizes[below(3)] ?? "small"]),
      ),
    );

  it(
    "law 6: come to what the last commit asks for, each thing made once and none left behind",
    { timeout: 900_000 },
    async () => {
      const running = new Map<string, Process>();
      for (const it of replicas) running.set(it, await lab.serve(it, { env }));
      const endsAt = Date.now() + chaosMs;
      let [commits, kills] = [0, 0];
      while (Date.now() < endsAt) {
        await delay(500 + below(1_500));
        await mutate();
        commits += 1;
        if (random() > 0.2) continue;
        const name = replicas[below(replicas.length)] ?? "";
        const victim = running.get(name);
        victim?.kill("SIGKILL");
        await victim?.ended;
        kills += 1;
        running.set(name, await lab.serve(name, { env }));
      }
      const quietFrom = Date.now();
      await untilQuiet(lab, 500_000);
      const quietMs = Date.now() - quietFrom;
      const { rows } = await lab.db.query(
        `select count(*)::int as runs, count(*) filter (where attempt > 1)::int as resumed from runs`,
      );
      const { runs, resumed } = z.object({ runs: z.number(), resumed: z.number() }).parse(rows[0]);
      const effects = (await linesOf(lab.world, "ledger")).length;
      process.stdout.write(
        `soak: ${commits} commits, ${kills} kills, ${runs} runs (${resumed} resumed), ` +
          `${effects} effects, quiet after ${(quietMs / 1_000).toFixed(1)} s\n`,
      );
      expect((await wantedAt(lab.origin, "main")).size).toBeGreaterThan((workloads * each) / 2);
      expect(kills).toBeGreaterThan(chaosMs / 30_000);
      expect(resumed).toBeGreaterThan(0);
      await expectInvariants(lab);
    },
  );
});

const workload = (index: number): Wanted[string] =>
  Object.fromEntries(Array.from({ length: each }, (_, item) => [`w${index}r${item}`, "small"]));
