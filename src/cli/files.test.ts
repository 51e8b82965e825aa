import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, test } from "vitest";
import { findFiles, isInside, readBytes, readFile, shownPath } from "./files.ts";

it("tells of a file that cannot be read as a problem of it", () => {
  const read = readFile("/nowhere/a.yaml", "a.yaml");
  expect(read).toMatchObject({
    ok: false,
    problems: [{ file: "a.yaml", line: 1, column: 1, code: "yaml/unreadable", severity: "error" }],
  });
});

it("reads nothing of a file that is too large", () => {
  const folder = mkdtempSync(join(tmpdir(), "innominatus-files-"));
  try {
    writeFileSync(join(folder, "a.yaml"), "#".repeat(2_000_000));
    expect(readBytes(join(folder, "a.yaml"))).toBe("too-large");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const places: [string, string, readonly string[], string][] = [
  ["/w/a/x.yaml", "/w", ["a"], "a/x.yaml"],
  ["/w/a/x.yaml", "/w", ["/w/a"], "a/x.yaml"],
  ["/w/a/x.yaml", "/w/b", ["../a"], "../a/x.yaml"],
  ["/w/a/x.yaml", "/w/b", ["/w/a"], "/w/a/x.yaml"],
  ["/w/a/x.yaml", "/w/b", ["../a", "/w/ab"], "../a/x.yaml"],
];
test.each(places)("%s is shown in %s, given %j, as %s", (path, cwd, given, expected) => {
  expect(shownPath(path, cwd, given)).toBe(expected);
});

it("knows a folder from one whose name only begins alike", () => {
  expect(isInside("/a/b/c", "/a/b")).toBe(true);
  expect(isInside("/a/b", "/a/b")).toBe(true);
  expect(isInside("/a/bc", "/a/b")).toBe(false);
  expect(isInside("/a", "/")).toBe(true);
});

it("finds a file that is given twice once, and takes one that is named whatever its name", () => {
  const found = findFiles(["main.ts", ".", "./main.ts"], import.meta.dirname);
  expect(found.files).toEqual([
    {
      path: join(import.meta.dirname, "main.ts"),
      base: import.meta.dirname,
      linked: false,
      named: true,
    },
  ]);
});
