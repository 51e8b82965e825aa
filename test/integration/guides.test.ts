/** What the guides show is what happens: their files are written, their commands run, their parts checked. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { collection } from "../../src/template/functions/collection.ts";
import { encode } from "../../src/template/functions/encode.ts";
import { logic } from "../../src/template/functions/logic.ts";
import { number } from "../../src/template/functions/number.ts";
import { quote } from "../../src/template/functions/quote.ts";
import { regex } from "../../src/template/functions/regex.ts";
import { text } from "../../src/template/functions/text.ts";
import { parseFile } from "../../src/document/file.ts";
import { manifestSchema } from "../../src/provider/manifest-schema.ts";
import { readWorkflow } from "../../src/provider/workflow.ts";
import { legacyConfigSchema, workflowSchema } from "../../src/provider/workflow-schema.ts";
import { readWorkload } from "../../src/score/read.ts";
import { runCli, type Ran } from "../support/cli.ts";
import { createFolder, type Folder } from "../support/folder.ts";
import { blocksIn, type Block } from "../support/guide.ts";

const textOf = (guide: string): string => readFileSync(join("docs", guide), "utf8");

describe.each(["provider-guide.md", "spec-reference.md"])("docs/%s", (guide) => {
  let folder: Folder;
  let printed = "";
  beforeAll(async () => {
    folder = await createFolder();
  });
  afterAll(() => folder.remove());

  const expectShown = async ({ info, text: written }: Block): Promise<void> => {
    const file = info.get("file");
    const part = info.get("part");
    if (file !== undefined) await folder.write({ [file]: written });
    else if (part !== undefined) expectPart(part, written);
    else if (info.has("run")) {
      printed = "";
      const ran: Ran[] = [];
      for (const command of written.trim().split("\n")) {
        const [program, ...words] = command.split(" ");
        expect(program).toBe("innominatus");
        const one = await runCli(words, { cwd: folder.path });
        printed += one.stdout + one.stderr;
        ran.push(one);
      }
      const codes = ran.map(() => 0).with(-1, Number(info.get("exit") ?? 0));
      expect({ codes: ran.map((it) => it.code), printed }).toEqual({ codes, printed });
    } else expect(printed).toContain(written);
  };

  // One after the other: each sees what those before it wrote.
  const shown = blocksIn(textOf(guide)).filter((it) => it.info.size > 0);
  it.each(shown.map((block) => ({ line: block.line, block })))("line $line", ({ block }) =>
    expectShown(block),
  );

  it("has something to check", () => expect(shown.length).toBeGreaterThan(10));
});

const operation = z.record(z.string(), z.json());

/** A part of a file, in the smallest file around it. */
function expectPart(part: string, written: string): void {
  switch (part) {
    case "spec": {
      const whole = z.record(z.string(), z.json()).parse(parse(written));
      const name = { apiVersion: "score.dev/v1b1", metadata: { name: "shop" } };
      const spec = { ...name, containers: { web: { image: "." } }, ...whole };
      const [document] = parseFile("spec.yaml", stringify(spec)).documents;
      expect(document && readWorkload(document, "strict").problems).toEqual([]);
      return;
    }
    case "operation": {
      const operations = operation.parse(parse(written));
      const type = { type: "bucket", operations };
      manifestSchema.parse({
        apiVersion: "v1",
        kind: "Provider",
        metadata: { name: "a", version: "1" },
        capabilities: { resourceTypeCapabilities: [type] },
      });
      return;
    }
    case "step":
      return expectWorkflow({ steps: [z.json().parse(parse(written))] });
    case "outputs": {
      const make = { name: "make", type: "http", config: { url: "https://example.com" } };
      return expectWorkflow({ steps: [make], outputs: z.json().parse(parse(written)) });
    }
    default:
      throw new Error(`the guide has a part of "${part}", which nothing checks`);
  }
}

function expectWorkflow(more: Readonly<Record<string, unknown>>): void {
  const head = { apiVersion: "innominatus.io/v1alpha1", kind: "Workflow", metadata: { name: "a" } };
  const written = stringify({ ...head, ...more });
  const [document] = parseFile("workflow.yaml", written).documents;
  if (document === undefined) throw new Error("no document");
  expect(readWorkflow(document, written, "a", false).problems).toEqual([]);
}

/** Words in backquotes in a column, from 0, of the table whose first column has `title`. */
function wordsIn(guide: string, title: string, column: number): readonly string[] {
  const [, table = ""] = textOf(guide).split(new RegExp(`^\\| ${title} .*\\n\\|[ |-]*\\n`, "m"));
  const [rows = ""] = table.split("\n\n");
  return rows
    .split("\n")
    .flatMap((row) => [...(row.split("|")[column + 1] ?? "").matchAll(/`([^`]+)`/g)])
    .map((it) => it[1] ?? "");
}

const corpus = "test/corpus/score";

function codesIn(file: string): readonly string[] {
  const { documents, problems } = parseFile(file, readFileSync(file, "utf8"));
  const read = documents.flatMap((it) => [
    ...readWorkload(it, "default").problems,
    ...readWorkload(it, "strict").problems,
  ]);
  return [...problems, ...read].map(({ code }) => code.replace(/^yaml\/.*/, "yaml/…"));
}

describe("what the guides list", () => {
  it("every function of templates", () => {
    const tables = [collection, encode, logic, number, quote, regex, text];
    const functions = ["now", ...tables.flatMap((it) => Object.keys(it))];
    expect(wordsIn("provider-guide.md", "of", 1).toSorted()).toEqual(functions.toSorted());
  });

  it("every key of a manifest, a workflow, a parameter and a step", () => {
    const guide = textOf("provider-guide.md");
    const steps = workflowSchema.shape.steps.element.shape;
    const parameters = workflowSchema.shape.parameters.unwrap().unwrap().element.shape;
    // Upstream's keys beside `config` join it; the guide names some.
    const joined = Object.keys(legacyConfigSchema.shape);
    const ours = Object.keys(steps).filter((it) => !joined.includes(it) && it !== "unless");
    const keys = [manifestSchema.shape, workflowSchema.shape, parameters].flatMap(Object.keys);
    const unnamed = [...keys, ...ours].filter(
      (key) => !new RegExp(`\`[^\`\n]*\\b${key}\\b[^\`\n]*\``).test(guide),
    );
    expect(unnamed).toEqual([]);
  });

  it("every code of a problem with a Score spec, and no other", () => {
    const listed = new Set(wordsIn("spec-reference.md", "code", 0));
    const sources = readdirSync("src/score")
      .filter((it) => it.endsWith(".ts") && !it.endsWith(".test.ts"))
      .map((it) => readFileSync(join("src/score", it), "utf8"))
      .join("\n");
    // Of the others, `score/placeholder` comes from elsewhere, and the two of conflicts from one line.
    const others = ["score/placeholder", "score/conflicting-params", "score/conflicting-metadata"];
    const ours = [...listed].filter((it) => it.startsWith("score/") && !others.includes(it));
    const unknown = ours.filter((it) => !sources.includes(`"${it.replace("score/", "")}"`));
    expect(unknown).toEqual([]);
    const found = ["invalid", "semantic"].flatMap((folder) =>
      readdirSync(join(corpus, folder)).flatMap((name) => codesIn(join(corpus, folder, name))),
    );
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter((it) => !listed.has(it))).toEqual([]);
  });
});
