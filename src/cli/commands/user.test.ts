import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { fakeTerminal } from "../../../test/support/cli.ts";
import { runningClock } from "../../../test/support/step.ts";
import { createPasswords } from "../../server/api/auth/passwords.ts";
import { runUserHash } from "./user.ts";

const stdout = fakeTerminal(undefined);
const context = {
  env: {},
  cwd: "/",
  stdout,
  stderr: fakeTerminal(undefined),
  clock: runningClock,
  random: () => 0.5,
  stop: new AbortController().signal,
};

it("prints a hash that the password on standard input proves right, without its line's end", async () => {
  expect(await runUserHash(context, Readable.from(["a long password\n"]))).toBe(0);
  const hash = stdout.written().trimEnd();
  expect(await createPasswords().verify("a long password", hash)).toBe(true);
});

it("takes none that is short", async () => {
  await expect(runUserHash(context, Readable.from(["short"]))).rejects.toThrow("needs 12");
});
