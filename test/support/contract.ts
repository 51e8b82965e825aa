/**
 * Holds every answer of the API against its OpenAPI document: status, content type, headers and body. A
 * field that the document does not have is a mistake, too.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { z } from "zod";
import { isRecord, type Json, type JsonRecord } from "../../src/model/json.ts";

const operation = z.looseObject({
  responses: z.record(
    z.string(),
    z.looseObject({ content: z.record(z.string(), z.unknown()).optional() }),
  ),
});
const methods = ["get", "post", "put", "delete", "patch"] as const;
const documentShape = z.looseObject({
  paths: z.record(z.string(), z.partialRecord(z.enum(methods), operation)),
});

export interface Contract {
  /** `GET /api/resources/{id}`, sorted. */
  readonly operations: readonly string[];
  /** @throws {Error} that says what differs */
  check(method: string, path: string, response: Response): Promise<void>;
}

export function contractOf(document: JsonRecord): Contract {
  const { paths } = documentShape.parse(document);
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...closed(document), $id: "openapi" });
  const compiled = new Map<string, ValidateFunction>();
  const patterns = Object.keys(paths)
    // What is written out comes before what is a parameter.
    .toSorted((a, b) => a.split("{").length - b.split("{").length)
    .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`) }));

  return {
    operations: Object.entries(paths)
      .flatMap(([path, item]) =>
        methods.filter((it) => item[it] !== undefined).map((it) => `${it.toUpperCase()} ${path}`),
      )
      .toSorted(),
    async check(method, url, response) {
      const { pathname } = new URL(url, "http://localhost");
      const found = patterns.find((it) => it.pattern.test(pathname));
      const verb = methods.find((it) => it === method.toLowerCase());
      const about = `${method} ${url} answered ${response.status}`;
      const known = found && verb && paths[found.path]?.[verb];
      const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
      if (known === undefined) {
        if (response.status >= 400 && type === "application/problem+json") return;
        if (response.status >= 400 && !pathname.startsWith("/api")) return;
        if (/^\/(api\/docs|api\/openapi\.json$|swagger)/.test(pathname)) return;
        throw new Error(`${about}: the document has no such operation`);
      }
      if (response.status === 304) return;
      const status =
        String(response.status) in known.responses ? String(response.status) : "default";
      if (status === "default" && response.status < 400) {
        throw new Error(`${about}, which the document does not have`);
      }
      const { content } = known.responses[status] ?? {};
      const text = await textOf(response);
      if (content === undefined) {
        if (text === "") return;
        throw new Error(`${about} with a body, which the document does not have: ${text}`);
      }
      if (!(type in content)) throw new Error(`${about} with ${type || "no content type"}`);
      if (!type.endsWith("json")) return;
      const parts = [
        "paths",
        found?.path ?? "",
        verb ?? "",
        "responses",
        status,
        "content",
        type,
        "schema",
      ];
      const pointer = parts.map((it) =>
        encodeURIComponent(it.replaceAll("~", "~0").replaceAll("/", "~1")),
      );
      const ref = `openapi#/${pointer.join("/")}`;
      const validate = compiled.get(ref) ?? ajv.compile({ $ref: ref });
      compiled.set(ref, validate);
      if (validate(JSON.parse(text))) return;
      throw new Error(`${about}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 2_000)}`);
    },
  };
}

function textOf(response: Response): Promise<string> {
  const { body, headers } = response;
  if (body === null || headers.get("content-encoding") !== "gzip") return response.text();
  return new Response(body.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** Every object with named properties has no others; an `allOf` would need more than that. */
function closed(schema: Json): JsonRecord {
  const walk = (it: Json): Json => {
    if (Array.isArray(it)) return it.map(walk);
    if (!isRecord(it)) return it;
    const all = Object.fromEntries(Object.entries(it).map(([key, value]) => [key, walk(value)]));
    const isOpen = isRecord(it["properties"]) && it["additionalProperties"] === undefined;
    return isOpen && it["type"] === "object" ? { ...all, additionalProperties: false } : all;
  };
  const result = walk(schema);
  return isRecord(result) ? result : {};
}
