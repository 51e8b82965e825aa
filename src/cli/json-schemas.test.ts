import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { readProviderFolder } from "../conformance/provider-folder.ts";
import { parseFile } from "../document/file.ts";
import { readSettings } from "../desired/settings.ts";
import { isRecord, type Json } from "../model/json.ts";
import { isError } from "../model/problem.ts";
import { readWorkload } from "../score/read.ts";
import { editorSchemas } from "./json-schemas.ts";

const ajv = new Ajv({ strict: false, allErrors: true });
const json = z.record(z.string(), z.json());
const compiled = new Map<string, ValidateFunction>();
for (const [name, text] of editorSchemas()) {
  compiled.set(name, ajv.compile(json.parse(JSON.parse(text))));
}
const accepts = (schema: string, value: Json | undefined): boolean => {
  const validate = compiled.get(schema);
  if (validate === undefined) throw new Error(`there is no ${schema}`);
  return validate(value);
};

const yamlIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile() && it.name.endsWith(".yaml"))
    .map((it) => join(it.parentPath, it.name))
    .toSorted();

const documentsOf = (file: string) => parseFile(file, readFileSync(file, "utf8")).documents;

describe("schemas/ is as the sources make it: if not, `npm run schemas`", () => {
  it.each([...editorSchemas()])("%s", (name, text) => {
    expect(readFileSync(join("schemas", name), "utf8") === text).toBe(true);
  });

  it("and nothing else is in it", () => {
    expect(readdirSync("schemas").toSorted()).toEqual([...editorSchemas().keys()].toSorted());
  });
});

const corpus = "test/corpus/score";
const official = new Ajv2020({ strict: false }).compile(
  json.parse(JSON.parse(readFileSync(`${corpus}/score-v1b1.json`, "utf8"))),
);
const specs = ["valid", "invalid", "semantic"].flatMap((folder) =>
  readdirSync(join(corpus, folder)).flatMap((name) =>
    documentsOf(join(corpus, folder, name)).map((document) => ({
      name: `${folder}/${name}`,
      document,
    })),
  ),
);

describe("score.json", () => {
  // What YAML itself refuses never comes to a schema.
  it.each(specs.filter((it) => it.document.value !== undefined))(
    "has the official schema's verdict on $name",
    ({ document: { value } }) => expect(accepts("score.json", value)).toBe(official(value)),
  );

  // `score/…` is beyond JSON Schema: what placeholders and `before` name, circles, two requests for one identity.
  it.each(specs.filter((it) => it.document.value !== undefined))(
    "has our strict verdict on $name, but for what no schema can say",
    ({ document }) => {
      const { problems } = readWorkload(document, "strict");
      const sayable = problems.filter((it) => isError(it) && !it.code.startsWith("score/"));
      expect({ ok: accepts("score.json", document.value), sayable }).toEqual({
        ok: sayable.length === 0,
        sayable,
      });
    },
  );
});

const kinds: { readonly [kind: string]: string } = {
  Provider: "provider.json",
  Platform: "provider.json",
  Workflow: "workflow.json",
  Repository: "repository.json",
};

const schemaOf = (value: Json | undefined): string | undefined => {
  if (!isRecord(value)) return undefined;
  const { kind } = value;
  if (value["apiVersion"] === "score.dev/v1b1") return "score.json";
  if (typeof kind === "string") return kinds[kind];
  return Object.hasOwn(value, "expect") ? "provider-case.json" : "provider-conformance.json";
};

const shipped = ["gitops-example", "providers", "templates"].flatMap(yamlIn);

describe("the files that we ship", () => {
  it("are all looked at", () => expect(shipped.length).toBeGreaterThan(20));

  it.each(shipped)("%s fits the schema that its first line names", (file) => {
    const text = readFileSync(file, "utf8");
    const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? "";
    const path = join(dirname(file), named);
    expect(dirname(path)).toBe("schemas");
    for (const { value } of documentsOf(file)) {
      expect(schemaOf(value)).toBe(basename(path));
      expect(accepts(basename(path), value)).toBe(true);
    }
  });
});

describe("the corpus of providers", () => {
  const files = yamlIn("test/corpus/providers");
  it.each(files)("%s fits, as it loads", (file) => {
    for (const { value } of documentsOf(file)) {
      expect(accepts(schemaOf(value) ?? "", value)).toBe(true);
    }
  });
});

const provider = (more: Json): Json => ({
  apiVersion: "v1",
  kind: "Provider",
  metadata: { name: "a", version: "1" },
  ...(isRecord(more) ? more : {}),
});
const workflow = (more: Json): Json => ({
  apiVersion: "innominatus.io/v1alpha1",
  kind: "Workflow",
  metadata: { name: "a" },
  steps: [{ name: "a", type: "policy", config: {} }],
  ...(isRecord(more) ? more : {}),
});
const repository = (more: Json): Json => ({
  apiVersion: "innominatus.dev/v1",
  kind: "Repository",
  ...(isRecord(more) ? more : {}),
});

const wrong: readonly [string, Json][] = [
  ["provider.json", provider({ kind: "Supplier" })],
  ["provider.json", provider({ metadata: { name: "a" } })],
  ["provider.json", provider({ workflows: [{ name: "a" }] })],
  ["provider.json", provider({ capabilities: { resourceTypeCapabilities: [{}] } })],
  ["workflow.json", workflow({ steps: [] })],
  ["workflow.json", workflow({ steps: [{ name: "a b", type: "policy" }] })],
  ["workflow.json", workflow({ steps: [{ name: "a", type: "policy", timeout: "soon" }] })],
  ["workflow.json", workflow({ parameters: [{ name: "a", type: "text" }] })],
  ["repository.json", repository({ specs: [] })],
  ["repository.json", repository({ deletion: { grace: "soon" } })],
  ["repository.json", repository({ deletions: {} })],
  ["provider-case.json", { workflow: "a" }],
  ["provider-conformance.json", { networks: true }],
];

test.each(wrong)("%s refuses what is wrong: %j", (schema, value) => {
  expect(accepts(schema, value)).toBe(false);
});

test.each([
  ["provider.json", provider({ extra: 1 })],
  ["workflow.json", workflow({ steps: [{ name: "a", type: "wait", timeout: "1h30m" }] })],
  ["repository.json", repository({ deletion: { grace: 30, statefulGrace: "1.5h" } })],
] as const)("%s accepts what is right: %j", (schema, value) => {
  expect(accepts(schema, value)).toBe(true);
});

test.each(["soon", "", "-1s", "1d", "10m", "1h30m", "90", "1.5h", "500ms", "1 h"])(
  "a duration is one to the schema where it is one to us: %s",
  (grace) => {
    const value = repository({ deletion: { grace } });
    const document = { file: "", index: 0, value, at: () => ({ file: "", line: 1, column: 1 }) };
    expect(accepts("repository.json", value)).toBe(readSettings(document).ok);
  },
);

test("every provider that we ship is read without a problem", () => {
  for (const folder of [
    ...readdirSync("providers").map((it) => join("providers", it)),
    "templates/provider",
  ]) {
    expect(readProviderFolder(folder, "provider.yaml").problems).toEqual([]);
  }
});
