import { expect, test } from "vitest";
import { commandIn, type Command } from "./command.ts";

const unknown: Command = { kind: "unknown" };
const hash = "9d4e2f00".repeat(8);

test.each<[string, string, Command | undefined]>([
  ["alone", "/innominatus plan", { kind: "plan" }],
  ["in its own line", "Thanks!\r\n\r\n/innominatus help \r\n", { kind: "help" }],
  ["with a hash", `/innominatus approve ${hash}`, { kind: "approve", hash }],
  ["with a hash as code", `/innominatus approve \`${hash}\``, { kind: "approve", hash }],
  ["with a resource", "/innominatus retry shop.db", { kind: "retry", resource: "shop.db" }],
  [
    "with a uid",
    "/innominatus why postgres.default#shop.db",
    { kind: "why", resource: "postgres.default#shop.db" },
  ],
  ["without a hash", "/innominatus approve", unknown],
  ["with no hash", "/innominatus approve everything", unknown],
  ["with too short a hash", "/innominatus approve 9d4e", unknown],
  ["with more than it takes", "/innominatus plan everything", unknown],
  ["with too many words", "/innominatus retry a b", unknown],
  ["with another word", "/innominatus destroy", unknown],
  ["with no word", "/innominatus", unknown],
  ["in the middle of a line", "type /innominatus plan", undefined],
  ["quoted", "> /innominatus plan", undefined],
  ["in a code block", "```\n/innominatus plan\n```", undefined],
  ["after a code block", "~~~\nx\n~~~\n/innominatus plan", { kind: "plan" }],
  ["as code by indentation", "    /innominatus plan", undefined],
  ["of another tool", "/innominatus-other plan", undefined],
  ["not there", "a comment", undefined],
])("a command %s", (_, body, command) => {
  expect(commandIn(body)).toEqual(command);
});
