/**
 * GitHub's published description of its API: says whether a request and its answer are as described,
 * and fills an answer up with what it demands beside what a test cares about.
 */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import { z } from "zod";

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface Contract {
  /** What is wrong with a request, if anything. */
  checkRequest(exchange: Exchange): readonly string[];
  checkAnswer(exchange: Exchange, status: number, body: unknown): readonly string[];
  /** The least that the description demands of such an answer, with `values` laid over it. */
  fill(
    schema: string,
    values: Readonly<Record<string, unknown>>,
  ): Readonly<Record<string, unknown>>;
}

const record = z.record(z.string(), z.unknown());
type JsonObject = z.output<typeof record>;

const parameter = z.looseObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().optional(),
  schema: record,
});
const media = z.record(z.string(), z.looseObject({ schema: record.optional() }));
const operation = z.looseObject({
  parameters: z.array(record).default([]),
  requestBody: z.looseObject({ content: media }).optional(),
  responses: z.record(z.string(), record),
});
type Operation = z.output<typeof operation>;

let shared: Contract | undefined;

/** Read once a process: the description has 13 MB. */
export function githubContract(): Contract {
  shared ??= createContract();
  return shared;
}

function createContract(): Contract {
  const file = createRequire(import.meta.url).resolve(
    "@octokit/openapi/generated/api.github.com.json",
  );
  const description = record.parse(JSON.parse(readFileSync(file, "utf8")));
  const paths = record.parse(description["paths"]);
  const routes = Object.keys(paths).map((template) => ({
    template,
    pattern: new RegExp(
      `^${template.replaceAll(/[.+]/g, "\\$&").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`,
    ),
    // Of `/a/{b}` and `/a/c` the second one is meant by `/a/c`.
    wild: template.split("{").length,
  }));
  const schemas = record.parse(record.parse(description["components"])["schemas"]);
  const ajv = new Ajv({ strict: false, allErrors: true, formats });
  const added = new Set<string>();
  const compiled = new Map<string, ValidateFunction>();
  const samples = new Map<string, unknown>();

  /** Adds what a schema refers to, as JSON Schema, and only that. */
  const register = (schema: unknown): void => {
    for (const name of referencesOf(schema)) {
      if (added.has(name)) continue;
      added.add(name);
      const found = toJsonSchema(schemas[name]);
      ajv.addSchema(record.parse(found), `schema:${name}`);
      register(schemas[name]);
    }
  };
  const validator = (key: string, schema: JsonObject): ValidateFunction => {
    const known = compiled.get(key);
    if (known !== undefined) return known;
    register(schema);
    const made = ajv.compile(record.parse(toJsonSchema(schema)));
    compiled.set(key, made);
    return made;
  };
  const resolve = (it: JsonObject): JsonObject => {
    const reference = it["$ref"];
    if (typeof reference !== "string") return it;
    const parts = reference.replace("#/", "").split("/");
    return record.parse(parts.reduce<unknown>((at, part) => record.parse(at)[part], description));
  };
  const find = ({ method, path }: Exchange): { key: string; found: Operation } | undefined => {
    const [route] = routes
      .filter(
        (it) => it.pattern.test(path) && method.toLowerCase() in record.parse(paths[it.template]),
      )
      .toSorted((a, b) => a.wild - b.wild);
    if (route === undefined) return undefined;
    const found = record.parse(paths[route.template])[method.toLowerCase()];
    return { key: `${method} ${route.template}`, found: operation.parse(found) };
  };
  const errorsOf = (key: string, schema: JsonObject, value: unknown): string[] => {
    const validate = validator(key, schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((it) => `${key}: ${it.instancePath} ${it.message}`);
  };

  const checkQuery = (key: string, found: Operation, query: URLSearchParams): string[] => {
    const known = found.parameters
      .map((it) => parameter.parse(resolve(it)))
      .filter((it) => it.in === "query");
    return [...query].flatMap(([name, value]) => {
      const described = known.find((it) => it.name === name);
      if (described === undefined) return [`${key}: there is no parameter ${name}`];
      const number = described.schema["type"] === "integer" ? Number(value) : value;
      return errorsOf(`${key} ?${name}`, described.schema, number);
    });
  };

  return {
    checkRequest(exchange) {
      const at = find(exchange);
      if (at === undefined)
        return [`${exchange.method} ${exchange.path}: there is no such request`];
      const wrong = checkQuery(at.key, at.found, exchange.query);
      const schema = at.found.requestBody?.content["application/json"]?.schema;
      if (exchange.body === undefined) return wrong;
      if (schema === undefined) return [...wrong, `${at.key}: takes no body`];
      const fields = record.parse(schema["properties"] ?? {});
      const unknown = Object.keys(record.parse(exchange.body)).filter((it) => !(it in fields));
      return [
        ...wrong,
        ...unknown.map((it) => `${at.key}: its body has no field ${it}`),
        ...errorsOf(`${at.key} body`, schema, exchange.body),
      ];
    },

    checkAnswer(exchange, status, body) {
      const at = find(exchange);
      if (at === undefined) return [];
      const described = at.found.responses[String(status)];
      if (described === undefined) {
        // The description leaves most refusals out; they look alike.
        const basic = record.parse(schemas["basic-error"]);
        return status < 400
          ? [`${at.key}: never answers ${status}`]
          : errorsOf("basic-error", basic, body);
      }
      const content = media.optional().parse(resolve(described)["content"]);
      const schema = content?.["application/json"]?.schema;
      if (schema === undefined) {
        return body === undefined ? [] : [`${at.key}: ${status} has no body`];
      }
      return errorsOf(`${at.key} ${status}`, schema, body);
    },

    fill(name, values) {
      const sample = samples.get(name) ?? sampleOf(solid(schemas[name]), schemas);
      samples.set(name, sample);
      return record.parse(lay(values, sample));
    },
  };
}

const formats = {
  uri: /^[a-z][a-z0-9+.-]*:/i,
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  date: true,
  email: true,
  int64: true,
  timestamp: true,
  "repo.nwo": true,
  hostname: true,
  "ssh-key": true,
  "repository-name": true,
} as const;

/** OpenAPI 3.0 → JSON Schema: `nullable`, and where references lead. */
function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (key === "nullable" || key === "example" || key === "discriminator") return [];
    if (key === "$ref" && typeof value === "string") return [[key, `schema:${nameOf(value)}`]];
    if (key === "enum") return [[key, value]];
    return [[key, toJsonSchema(value)]];
  });
  const plain = Object.fromEntries(entries);
  const nullable = "nullable" in schema && schema.nullable === true;
  return nullable ? { anyOf: [{ type: "null" }, plain] } : plain;
}

const nameOf = (reference: string): string => reference.split("/").at(-1) ?? "";

function referencesOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(referencesOf);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]): string[] =>
    key === "$ref" && typeof value === "string" ? [nameOf(value)] : referencesOf(value),
  );
}

/** The least that satisfies a schema: what is required, `null` where that will do. */
function sampleOf(given: JsonObject, schemas: JsonObject): unknown {
  if (given["nullable"] === true) return null;
  const reference = given["$ref"];
  if (typeof reference === "string") {
    return sampleOf(record.parse(schemas[nameOf(reference)]), schemas);
  }
  const values = z.array(z.unknown()).optional().parse(given["enum"]);
  if (values !== undefined) return values[0];
  const variants = z
    .array(record)
    .optional()
    .parse(given["oneOf"] ?? given["anyOf"]);
  if (variants?.[0] !== undefined) return sampleOf(variants[0], schemas);
  const all = z.array(record).optional().parse(given["allOf"]);
  if (all !== undefined) {
    return Object.assign({}, ...all.map((it) => record.parse(sampleOf(solid(it), schemas))));
  }
  switch (given["type"]) {
    case "string":
      return stringSample(given["format"]);
    case "integer":
    case "number":
      return 1;
    case "boolean":
      return false;
    case "array":
      return [];
    default: {
      const properties = record.parse(given["properties"] ?? {});
      const required = z.array(z.string()).default([]).parse(given["required"]);
      return Object.fromEntries(
        required.map((it) => [it, sampleOf(record.parse(properties[it] ?? {}), schemas)]),
      );
    }
  }
}

/** The schema, of something that is there. */
const solid = (schema: unknown): JsonObject => ({ ...record.parse(schema), nullable: false });

function stringSample(format: unknown): string {
  if (format === "uri") return "https://forge.test/";
  if (format === "date-time") return "2026-01-01T00:00:00Z";
  return "";
}

function lay(over: unknown, under: unknown): unknown {
  const [top, below] = [record.safeParse(over), record.safeParse(under)];
  if (!top.success || !below.success || Array.isArray(over)) return over;
  const laid = Object.entries(top.data).map(([key, value]) => [key, lay(value, below.data[key])]);
  return { ...below.data, ...Object.fromEntries(laid) };
}
