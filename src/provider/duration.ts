/** Durations as files write them: Go's `1h30m`, `500ms`, or a plain number of seconds. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds; `undefined` for anything that is no duration, and for negative ones. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === "number")
    return value >= 0 && Number.isFinite(value) ? value * 1_000 : undefined;
  if (typeof value !== "string") return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return undefined;
  const parts = value.matchAll(/(?<count>\d+(?:\.\d+)?)(?<unit>ms|[smh])/g);
  return [...parts].reduce((sum, { groups }) => {
    return sum + Number(groups?.["count"]) * (unitMs[groups?.["unit"] ?? ""] ?? 0);
  }, 0);
}
