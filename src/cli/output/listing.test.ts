import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { plain } from "../../plan/render/painter.ts";
import { renderListing, type Listing } from "./listing.ts";
import { painterFor, runsInCi, wantsColour } from "./paint.ts";
import { displayWidth, padTo, truncate } from "./width.ts";

interface Row {
  readonly name: string;
  readonly note: string;
}

const listing: Listing<Row> = {
  columns: [
    { title: "name", text: (it) => it.name, colour: () => "red" },
    { title: "note", text: (it) => it.note },
  ],
  json: ({ name, note }) => ({ name, note }),
  empty: "no rows",
};

const rows: readonly Row[] = [
  { name: "数据库", note: "two columns a character" },
  { name: "café", note: "" },
];

describe("a listing", () => {
  it("aligns its columns by what a terminal shows, without trailing blanks", () => {
    expect(renderListing(listing, rows, "table")).toBe(
      "NAME    NOTE\n数据库  two columns a character\ncafé\n",
    );
  });

  it("is a list of whole values as JSON and YAML, even without rows", () => {
    expect(JSON.parse(renderListing(listing, rows, "json"))).toEqual(rows);
    expect(parse(renderListing(listing, rows, "yaml"))).toEqual(rows);
    expect(JSON.parse(renderListing(listing, [], "json"))).toEqual([]);
    expect(parse(renderListing(listing, [], "yaml"))).toEqual([]);
    expect(renderListing(listing, [], "table")).toBe("no rows\n");
  });

  it("shows a row on one line, whatever is in it", () => {
    const text = renderListing(listing, [{ name: "a\nb", note: "\u001b[2J" }], "table");
    expect(text.split("\n")).toHaveLength(3);
    expect(text).not.toContain("\u001b");
  });

  it("paints cells after measuring them", () => {
    const paint = { ...plain, red: (text: string) => `<${text}>` };
    const text = renderListing(listing, rows, "table", { paint, columns: undefined });
    expect(text).toContain("<数据库>  two");
    expect(text).toContain("<café  >");
  });

  it("fits a terminal, and is cut nowhere else", () => {
    const long = { name: "n".repeat(30), note: "x".repeat(300) };
    expect(renderListing(listing, [long], "table")).toContain(long.note);
    fc.assert(
      fc.property(
        fc.integer({ min: 18, max: 120 }),
        fc.string({ unit: "grapheme", maxLength: 200 }),
        (columns, note) => {
          const table = renderListing(listing, [{ ...long, note }], "table", {
            paint: plain,
            columns,
          });
          for (const it of table.split("\n")) expect(displayWidth(it)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});

test.each([
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["e\u0301", 1],
  ["数", 2],
  ["👩‍👩‍👧", 2],
  ["→ ±", 3],
])("%j is %i columns wide", (text, width) => {
  expect(displayWidth(text)).toBe(width);
  expect(displayWidth(padTo(text, 9))).toBe(9);
});

test("a wide character that would cross the edge is left out", () => {
  expect(truncate("数据库", 4)).toBe("数…");
  expect(truncate("数据库", 6)).toBe("数据库");
  expect(truncate("abc", 0)).toBe("");
});

type ColourRow = [string, boolean, Record<string, string>, boolean];

test.each<ColourRow>([
  ["a terminal", true, {}, true],
  ["a pipe", false, {}, false],
  ["NO_COLOR", true, { NO_COLOR: "1" }, false],
  ["an empty NO_COLOR counts as none", true, { NO_COLOR: "" }, true],
  ["CI", true, { CI: "true" }, false],
  ["CI=false", true, { CI: "false" }, true],
  ["a dumb terminal", true, { TERM: "dumb" }, false],
  ["FORCE_COLOR on a pipe", false, { FORCE_COLOR: "1", NO_COLOR: "1", CI: "1" }, true],
  ["FORCE_COLOR=0", true, { FORCE_COLOR: "0" }, false],
])("colours: %s", (_, terminal, environment, expected) => {
  expect(wantsColour(terminal, environment)).toBe(expected);
  expect(painterFor(terminal, environment).red("x") === "x").toBe(!expected);
  expect(runsInCi(environment)).toBe(["1", "true"].includes(environment["CI"] ?? ""));
});
