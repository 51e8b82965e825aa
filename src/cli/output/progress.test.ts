import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { phases } from "../../model/resource.ts";
import { formatUid } from "../../model/uid.ts";
import { plain } from "../../plan/render/painter.ts";
import { between, duration } from "./elapsed.ts";
import { createProgress, type ProgressEvent } from "./progress.ts";
import { displayWidth } from "./width.ts";

const db = formatUid("postgres", "default", "shop.db");
const cache = formatUid("redis", "default", "shop.cache");

const story: readonly ProgressEvent[] = [
  { uid: db, operation: "create", phase: "requested" },
  { uid: cache, operation: "create", phase: "requested" },
  {
    uid: db,
    operation: "create",
    phase: "provisioning",
    step: { name: "make", number: 1, of: 2 },
  },
  {
    uid: db,
    operation: "create",
    phase: "provisioning",
    step: { name: "make", number: 1, of: 2 },
  },
  { uid: cache, operation: "create", phase: "failed", message: "exit code 1\u001b[2J" },
  { uid: db, operation: "create", phase: "active" },
  { uid: cache, operation: "create", phase: "provisioning" },
  { uid: cache, operation: "create", phase: "held", message: "waits for an approval" },
];

function tell(columns: number | undefined, events: readonly ProgressEvent[]): string[] {
  const written: string[] = [];
  let ms = 0;
  const clock = { now: () => new Date((ms += 500)) };
  const progress = createProgress((it) => written.push(it), { paint: plain, columns }, clock);
  progress.note("plan 9d4e2f");
  for (const it of events) progress.event(it);
  progress.end();
  return written;
}

/** What a terminal shows after all of `written`: enough of one for "up" and "erase below". */
function screenAfter(written: readonly string[]): string[] {
  const lines = [""];
  for (const it of written) {
    const [erase = "", up = "0"] = it.startsWith("\u001b")
      ? (/^.\[(\d+)A\r.\[0J/.exec(it) ?? [])
      : [];
    lines.splice(lines.length - 1 - Number(up), Number(up) + 1, "");
    lines.push(...((lines.pop() ?? "") + it.slice(erase.length)).split("\n"));
  }
  return lines;
}

describe("progress", () => {
  it("is one plain line for each thing that happens where there is no terminal", async () => {
    const text = tell(undefined, story).join("");
    expect(text).not.toContain("\u001b");
    await expect(text).toMatchFileSnapshot("testdata/progress.txt");
  });

  it("keeps on a terminal what is done, draws what is under way anew, and ends with the totals", () => {
    const written = tell(80, story);
    const during = screenAfter(written.slice(0, 4));
    expect(during.map((it) => it.replace(/ +\S+s$/, ""))).toEqual([
      "plan 9d4e2f",
      "  create  postgres.default#shop.db  step 1/2 make",
      "  create  redis.default#shop.cache  requested",
      "",
    ]);
    const after = screenAfter(written);
    expect(after).toHaveLength(6);
    expect(after[1]).toMatch(/^✗ create redis.default#shop.cache failed: exit code 1/);
    expect(after[2]).toMatch(/^✓ create postgres.default#shop.db active/);
    expect(after[4]).toMatch(/^1 done, 1 held in /);
  });

  it("says what is still under way at the end", () => {
    expect(tell(undefined, story.slice(0, 1)).at(-1)).toMatch(/^0 done, 1 still under way in/);
  });

  it("never lets a live line wrap, nor shows more than a few", () => {
    const event = fc.record({
      uid: fc
        .tuple(fc.nat({ max: 20 }), fc.string({ unit: "grapheme", maxLength: 60 }))
        .map(([n, text]) => formatUid("a", "b", `${n}${text}`)),
      operation: fc.constantFrom("create" as const, "delete" as const),
      phase: fc.constantFrom(...phases.filter((it) => it.endsWith("ing"))),
    });
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        fc.integer({ min: 20, max: 100 }),
        (all, columns) => {
          const shown = screenAfter(tell(columns, all).slice(0, -1)).slice(1);
          expect(shown.length).toBeLessThanOrEqual(10);
          for (const it of shown) expect(displayWidth(it)).toBeLessThan(columns);
        },
      ),
    );
  });
});

test.each([
  [-5, "0.0s"],
  [420, "0.4s"],
  [9_949, "9.9s"],
  [9_960, "10s"],
  [185_000, "3m05s"],
  [3_599_600, "1h00m"],
  [7_800_000, "2h10m"],
  [356_400_000, "4d3h"],
])("%i ms is %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
  expect(between("1970-01-01T00:00:00Z", new Date(ms))).toBe(text);
});
