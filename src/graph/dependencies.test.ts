import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyseDependencies, type Dependent } from "./dependencies.ts";

const item = (name: string, dependsOn: readonly string[] = [], cost = 1): Dependent => ({
  name,
  dependsOn,
  cost,
});

describe("dependencies", () => {
  it("give an order, groups that can be made at once, and the longest chain", () => {
    const found = analyseDependencies([
      item("app", ["db", "cache"]),
      item("db", ["network", "elsewhere"]),
      item("cache", ["network"], 5),
      item("network"),
      item("dns"),
    ]);
    expect(found).toEqual({
      order: ["dns", "network", "cache", "db", "app"],
      groups: [["dns", "network"], ["cache", "db"], ["app"]],
      criticalPath: ["network", "cache", "app"],
      unordered: [],
    });
  });

  it("leave out a circle and what is behind it", () => {
    const circle = [item("a", ["b"]), item("b", ["a"]), item("c", ["b"]), item("d")];
    expect(analyseDependencies(circle)).toMatchObject({ order: ["d"], unordered: ["a", "b", "c"] });
    expect(analyseDependencies([])).toMatchObject({ groups: [], criticalPath: [] });
  });

  const name = fc.constantFrom<string[]>("a", "b", "c", "d", "e", "f");
  const items = fc.uniqueArray(
    fc.record({ name, dependsOn: fc.array(name, { maxLength: 3 }), cost: fc.nat({ max: 9 }) }),
    { selector: (it) => it.name },
  );

  it("hold for whatever needs whatever, in any order", () => {
    fc.assert(
      fc.property(items, (all) => {
        const found = analyseDependencies(all);
        expect(analyseDependencies(all.toReversed())).toEqual(found);
        const { order, groups, criticalPath, unordered } = found;
        expect([...order, ...unordered].toSorted()).toEqual(all.map((it) => it.name).toSorted());
        const known = new Set(all.map((it) => it.name));
        const needs = new Map(
          all.map((it) => [it.name, it.dependsOn.filter((need) => known.has(need))]),
        );
        const groupOf = (it: string): number => groups.findIndex((group) => group.includes(it));
        for (const it of order) {
          for (const need of needs.get(it) ?? []) expect(groupOf(need)).toBeLessThan(groupOf(it));
        }
        for (const it of unordered) {
          expect(needs.get(it)?.some((need) => unordered.includes(need))).toBe(true);
        }
        for (const [index, it] of criticalPath.slice(1).entries()) {
          expect(needs.get(it)).toContain(criticalPath[index]);
        }
        const costOf = new Map(all.map((it) => [it.name, it.cost]));
        const chain = (it: string): number =>
          (costOf.get(it) ?? 0) + Math.max(0, ...(needs.get(it) ?? []).map(chain));
        const cost = criticalPath.reduce((sum, it) => sum + (costOf.get(it) ?? 0), 0);
        expect(cost).toBe(Math.max(0, ...order.map(chain)));
      }),
    );
  });
});
