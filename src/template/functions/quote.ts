/** Functions of ours that make a value safe where it stands: in a shell script, in YAML, in SQL. */
import { printed } from "../format.ts";
import { type Value, describe, isList, isMap } from "../value.ts";
import { type Call, type FunctionTable, refuse, textOf } from "./call.ts";
import { yamlQuoted } from "./encode.ts";

const nul = "\0";
const maxIdentifierBytes = 63;

export const quote: FunctionTable = {
  shellQuote: { min: 1, max: 1, run: (args, call) => shellQuoted(withoutNul(args, call)) },
  yamlQuote: { min: 1, max: 1, run: (args, call) => yamlQuoted(textOf(args, 0, call)) },
  sqlIdentifier: { min: 1, max: 1, run: sqlIdentifier },
  sqlLiteral: { min: 1, max: 1, run: sqlLiteral },
};

/** POSIX: nothing is special in single quotes. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function sqlIdentifier(args: readonly Value[], call: Call): string {
  const name = withoutNul(args, call);
  const size = Buffer.byteLength(name);
  if (size > 0 && size <= maxIdentifierBytes) return `"${name.replaceAll('"', '""')}"`;
  const message = size === 0 ? "an empty name" : `a name longer than ${maxIdentifierBytes} bytes`;
  throw refuse(call, message, "PostgreSQL would cut it off: trunc 63 or a shorter name");
}

function sqlLiteral(args: readonly Value[], call: Call): string {
  const [value = null] = args;
  if (value === null) return "NULL";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return printed(value);
  const body = withoutNul(args, call).replaceAll("'", "''");
  return body.includes("\\") ? `E'${body.replaceAll("\\", "\\\\")}'` : `'${body}'`;
}

function withoutNul(args: readonly Value[], call: Call): string {
  const [value = null] = args;
  if (isList(value) || isMap(value)) {
    throw refuse(
      call,
      `takes one value, and was given ${describe(value)}`,
      "loop with range, or use toJson",
    );
  }
  const text = printed(value);
  if (!text.includes(nul)) return text;
  throw refuse(call, "the value holds a NUL character", "check the value");
}
