/** What the demo claims, each claim looked at: a demo that only says so shows nothing. */
import { isDeepStrictEqual } from "node:util";
import { CommandError } from "../cli/output/failure.ts";
import type { Json } from "../model/json.ts";

/** @throws {CommandError} with what was expected and what was found, unless they are equal */
export function expectEqual(claim: string, found: Json | undefined, expected: Json | undefined) {
  if (!isDeepStrictEqual(found, expected)) throw unexpected(claim, expected, found);
}

export function unexpected(
  claim: string,
  expected: Json | undefined,
  found: Json | undefined,
): CommandError {
  const what = `expected ${shown(expected)}, found ${shown(found)}`;
  const next = "run it again with INNOMINATUS_DEBUG=1; if it happens again, please report it";
  return new CommandError(`it is not so that ${claim}: ${what}`, "", next);
}

const shown = (value: Json | undefined): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
