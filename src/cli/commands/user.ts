/** `innominatus user hash`: a password's hash for `api.users` in the settings. */
import { text } from "node:stream/consumers";
import { createPasswords } from "../../server/api/auth/passwords.ts";
import type { CommandContext } from "../context.ts";
import { CommandError } from "../output/failure.ts";

const shortest = 12;

/** Read from standard input: an argument would be in the shell's history and in every process listing. */
export async function runUserHash(
  context: CommandContext,
  stdin: NodeJS.ReadableStream,
): Promise<number> {
  const given = (await text(stdin)).replace(/\r?\n$/, "");
  if (given.length < shortest) {
    const what = `the password has ${given.length} characters, and needs ${shortest}`;
    throw new CommandError(what, "standard input", "pipe a longer one into this command");
  }
  context.stdout.write(`${await createPasswords().hash(given)}\n`);
  return 0;
}
