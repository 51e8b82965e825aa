/** How values go into SQL and come out of it, the same way on both databases: see database.ts. */

const text = (value: string): string => value;
const json = (value: string): unknown => JSON.parse(value);

/** Parsers by type oid, where the two drivers differ, or guess. */
export const parsers: { readonly [oid: number]: (value: string) => unknown } = {
  17: (value) => new Uint8Array(Buffer.from(value.slice(2), "hex")),
  20: BigInt,
  114: json,
  1082: text,
  1083: text,
  1114: text,
  1184: timestamp,
  1186: text,
  1266: text,
  1700: text,
  3802: json,
};

/** `2026-11-21 10:01:39.227+00` → Date: PostgreSQL's own form is not quite ISO 8601. */
function timestamp(value: string): Date {
  const iso = value.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) throw new RangeError(`${value} is outside of what Date holds`);
  return date;
}

/**
 * `values` in a form that both drivers encode alike.
 *
 * @throws {TypeError} for an object: one driver would send JSON, the other `[object Object]`
 */
export const toParameters = (values: readonly unknown[]): unknown[] => values.map(toParameter);

function toParameter(value: unknown, index: number): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(toParameter);
  if (typeof value === "object" || typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(
      `value $${index + 1} is an object: pass JSON.stringify of it to a json column`,
    );
  }
  return value;
}
