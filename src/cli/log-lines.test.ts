import { expect, it } from "vitest";
import { consoleLine } from "./log-lines.ts";

it("reads as a line: time, level, message, and the rest as fields", () => {
  const entry = {
    level: 30,
    time: "2026-11-21T10:43:24.808Z",
    uid: "postgres.shared#shop.db",
    attempt: 1,
    msg: "run started",
  };
  expect(consoleLine(`${JSON.stringify(entry)}\n`)).toBe(
    "10:43:24.808 INFO  run started uid=postgres.shared#shop.db attempt=1\n",
  );
});

it("tells an error by its message, and keeps control characters off the terminal", () => {
  const entry = {
    level: 50,
    msg: "claiming runs",
    err: { message: "no \u001b[31m answer", stack: "…" },
  };
  const line = consoleLine(JSON.stringify(entry));
  expect(line).toMatch(/^ ERROR claiming runs error=no .* answer\n$/);
  expect(line).not.toContain("\u001b");
});

it("leaves alone what is no JSON", () => expect(consoleLine("plain\n")).toBe("plain\n"));
