/** UUIDv7 (RFC 9562): ids that sort by the time they were made. */
import { randomBytes } from "node:crypto";

let last = 0n;

/** Grows within a process even where the clock stands still, so that one's own rows keep their order. */
export function newId(nowMs: number): string {
  const base = BigInt(nowMs) << 12n;
  last = base > last ? base : last + 1n;
  const time = (last >> 12n).toString(16).padStart(12, "0");
  const sequence = (last & 0xfffn).toString(16).padStart(3, "0");
  const tail = randomBytes(8);
  tail[0] = ((tail[0] ?? 0) & 0x3f) | 0x80;
  const hex = tail.toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${hex.slice(0, 4)}-${hex.slice(4)}`;
}
