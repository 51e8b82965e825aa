/**
 * JSON Schemas for editors, made of the schemas that the files are checked with. What those say in
 * code is added here; what no JSON Schema can say only `innominatus validate` tells.
 */
import { z } from "zod";
import { caseSchema, conformanceSchema } from "../conformance/case-schema.ts";
import { settingsSchema } from "../desired/settings.ts";
import { escapePointer, isList, isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import { manifestSchema } from "../provider/manifest-schema.ts";
import { workflowSchema } from "../provider/workflow-schema.ts";
import { scoreSchema } from "../score/schema.ts";
import { providerHints, repositoryHints, workflowHints, type Hints } from "./schema-hints.ts";

interface EditorSchema {
  readonly title: string;
  readonly schema: z.ZodType;
  /** Keywords by JSON pointer into what zod makes of it. */
  readonly additions: { readonly [pointer: string]: JsonRecord };
  readonly hints?: Hints;
}

const oneContent: JsonRecord = {
  oneOf: ["content", "binaryContent", "source"].map((it) => ({ required: [it] })),
};
const someProbe: JsonRecord = { anyOf: [{ required: ["httpGet"] }, { required: ["exec"] }] };
const duration: JsonRecord = {
  description: "A duration: 30s, 10m, 1h30m, 500ms, or a number of seconds",
  anyOf: [
    { type: "string", pattern: String.raw`^(\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h))+)$` },
    { type: "number", minimum: 0 },
  ],
};
const container = "/properties/containers/additionalProperties";

/** By file name. */
const schemas: { readonly [file: string]: EditorSchema } = {
  "score.json": {
    title: "Score v1b1",
    schema: scoreSchema,
    additions: {
      "/properties/containers": { minProperties: 1 },
      [`${container}/properties/files/anyOf/0/items`]: oneContent,
      [`${container}/properties/files/anyOf/1/additionalProperties`]: oneContent,
      [`${container}/properties/livenessProbe`]: someProbe,
      [`${container}/properties/readinessProbe`]: someProbe,
    },
  },
  "provider.json": {
    title: "Provider manifest",
    schema: manifestSchema,
    additions: {},
    hints: providerHints,
  },
  "workflow.json": {
    title: "Workflow of a provider",
    schema: workflowSchema,
    additions: { "/properties/steps/items/properties/timeout": duration },
    hints: workflowHints,
  },
  "repository.json": {
    title: ".innominatus.yaml: settings of a watched repository",
    schema: settingsSchema,
    additions: {
      "/properties/deletion/properties/grace": duration,
      "/properties/deletion/properties/statefulGrace": duration,
    },
    hints: repositoryHints,
  },
  "provider-case.json": {
    title: "Case of a provider's own tests",
    schema: caseSchema,
    additions: {},
  },
  "provider-conformance.json": {
    title: "Settings of a provider's conformance run",
    schema: conformanceSchema,
    additions: {},
  },
};

/** Text of each file, by its name; editors know draft 7 best. */
export function editorSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(schemas).map(([file, { title, schema, additions, hints = {} }]) => {
      const made = z.toJSONSchema(schema, { target: "draft-7", io: "input" });
      const { $schema = null, ...rest } = z.record(z.string(), z.json()).parse(made);
      const said = Object.entries(hints).map(([at, description]) => [at, { description }] as const);
      const all = [...Object.entries(additions), ...said].reduce(addAt, rest);
      return [file, `${JSON.stringify({ $schema, title, ...all }, null, 2)}\n`];
    }),
  );
}

function addAt(schema: JsonRecord, [pointer, keywords]: readonly [string, JsonRecord]): JsonRecord {
  const parts = pointer.split("/").slice(1);
  const add = (here: Json | undefined, depth: number): Json => {
    const part = parts[depth];
    if (part === undefined && isRecord(here)) return { ...here, ...keywords };
    if (part !== undefined && isList(here) && here[Number(part)] !== undefined) {
      return here.map((it, index) => (index === Number(part) ? add(it, depth + 1) : it));
    }
    if (part !== undefined && isRecord(here) && Object.hasOwn(here, part)) {
      return { ...here, [part]: add(own(here, part), depth + 1) };
    }
    throw new Error(
      `the schema has nothing at ${parts
        .slice(0, depth + 1)
        .map(escapePointer)
        .join("/")}`,
    );
  };
  const added = add(schema, 0);
  return isRecord(added) ? added : schema;
}
