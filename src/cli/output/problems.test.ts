import { describe, expect, it, test } from "vitest";
import { StallingError } from "../../model/errors.ts";
import type { Problem } from "../../model/problem.ts";
import { plain } from "../../plan/render/painter.ts";
import { CommandError, failureText } from "./failure.ts";
import { problemsGithub, problemsSarif } from "./problem-exchange.ts";
import { problemsText, validateJson } from "./problems.ts";

const unknownField: Problem = {
  file: "apps/shop/score.yaml",
  line: 3,
  column: 1,
  pointer: "/containrs",
  code: "schema/unknown-field",
  severity: "error",
  message: 'unknown field "containrs"',
  hint: 'did you mean "containers"?',
};
const oldForm: Problem = {
  file: "apps/cart/score.yaml",
  line: 2,
  column: 5,
  pointer: "/resources/db/properties",
  code: "score/old-form",
  severity: "warning",
  message: "properties is an older form",
};
const files = new Map([
  ["apps/shop/score.yaml", "apiVersion: score.dev/v1b1\nmetadata:\ncontainrs:\n  web: {}\n"],
  ["apps/cart/score.yaml", `db:\n\t数: ${"x".repeat(300)}\n`],
]);
const textOf = (file: string): string | undefined => files.get(file);

describe("problems as text", () => {
  it("read as the golden file does", async () => {
    const text = problemsText([unknownField, oldForm], textOf);
    await expect(text).toMatchFileSnapshot("testdata/problems.txt");
  });

  it("put the caret under the character at the column, wherever the line is cut", () => {
    for (const column of [1, 4, 90, 200, 400]) {
      const line = Array.from({ length: 40 }, (_, index) => `数${index}`.padEnd(9, "-")).join(",");
      const at: Problem = { ...oldForm, line: 1, column };
      const [, , source = "", carets = ""] = problemsText([at], () => line).split("\n");
      const width = carets.indexOf("^");
      let seen = 0;
      const under = Array.from(source).find((it) => {
        seen += it === "数" ? 2 : 1;
        return seen > width;
      });
      expect(under).toBe(line[column - 1]);
    }
  });

  it("stand without a line where the text is not at hand, or is shorter than was said", () => {
    const bare = problemsText([unknownField], () => undefined);
    expect(bare).not.toContain("|");
    expect(problemsText([{ ...unknownField, line: 99 }], textOf)).toBe(
      bare.replace(":3:1", ":99:1"),
    );
  });

  it("are silent when there are none", () => {
    expect(problemsText([], textOf)).toBe("");
    expect(problemsGithub([])).toBe("");
  });
});

test("validate -o json has the shape of the contract", () => {
  const document = { file: "a.yaml", index: 0, kind: null, name: null };
  expect(validateJson([document], [oldForm])).toEqual({
    documents: [document],
    problems: [{ ...oldForm, hint: null }],
  });
});

test("SARIF names each code once, and each place", () => {
  const sarif = problemsSarif([unknownField, oldForm, { ...oldForm, file: "a b/ü.yaml" }], "1.2.3");
  expect(sarif).toMatchObject({
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "innominatus",
            version: "1.2.3",
            rules: [{ id: "schema/unknown-field" }, { id: "score/old-form" }],
          },
        },
        results: [
          {
            ruleId: "score/old-form",
            ruleIndex: 1,
            level: "warning",
            locations: [{ physicalLocation: { artifactLocation: { uri: "a%20b/%C3%BC.yaml" } } }],
          },
          { ruleId: "score/old-form" },
          {
            ruleId: "schema/unknown-field",
            level: "error",
            locations: [{ physicalLocation: { region: { startLine: 3, startColumn: 1 } } }],
          },
        ],
      },
    ],
  });
});

test("an annotation cannot be ended, nor another begun, by what a file says", () => {
  const text = problemsGithub([
    { ...oldForm, file: "a,b:c.yaml", message: "50%\n::error::gotcha", hint: "x" },
  ]);
  expect(text).toBe(
    "::warning file=a%2Cb%3Ac.yaml,line=2,col=5,title=score/old-form::50%25%0A::error::gotcha (x)\n",
  );
});

describe("a failure", () => {
  const cause = new Error("connect ECONNREFUSED 127.0.0.1:5432");

  it("says what, where and what next", () => {
    const error = new CommandError(
      "the database is in use by another process",
      "./data (process 4711)",
      "stop that process, or choose another --data-dir",
      { cause },
    );
    expect(failureText(error)).toBe(
      [
        "error: the database is in use by another process",
        "  where: ./data (process 4711)",
        "  because: connect ECONNREFUSED 127.0.0.1:5432",
        "  next: stop that process, or choose another --data-dir",
        "",
      ].join("\n"),
    );
  });

  it("gives a stalling error's hint as what is next", () => {
    const text = failureText(
      new StallingError("EffectUnknown", "nobody knows", "look for yourself"),
    );
    expect(text).toBe("error: nobody knows\n  next: look for yourself\n");
  });

  it("follows causes, each once, even in a circle, and shows no stack", () => {
    const inner = new Error("inner\nsecond line");
    const outer = new AggregateError([cause, inner], "outer");
    inner.cause = outer;
    expect(failureText(outer)).toBe(
      `error: outer\n  because: ${cause.message}\n  because: inner\n           second line\n`,
    );
  });

  it("shows stacks only when asked to", () => {
    expect(failureText(cause, { paint: plain, debug: true })).toContain("problems.test.ts");
  });

  it("shows nothing of what is no error", () => {
    expect(failureText({ password: "hunter2" })).not.toContain("hunter2");
    expect(failureText("plain text")).toBe("error: plain text\n");
    expect(failureText(new TypeError(""))).toBe("error: TypeError\n");
  });
});
