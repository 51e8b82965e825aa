/** Log lines for people (`log.encoding: console`), from the JSON that pino writes. */
import { isRecord, type JsonRecord } from "../model/json.ts";
import { visible } from "../plan/render/visible.ts";

const levels: { readonly [level: number]: string } = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
  60: "FATAL",
};

/** `10:43:24.808 INFO  run started  uid=… run=…`; a line that is no JSON stays as it is. */
export function consoleLine(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { level, time, msg, err, ...rest } = entry;
  const clock = typeof time === "string" ? time.slice(11, 23) : "";
  const word = levels[Number(level)] ?? "";
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${textOf(value)}`);
  const error = isRecord(err) ? [`error=${textOf(err["message"] ?? null)}`] : [];
  const parts = [clock, word.padEnd(5), textOf(msg ?? ""), ...fields, ...error];
  return `${visible(parts.join(" ").trimEnd())}\n`;
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

function parse(line: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
