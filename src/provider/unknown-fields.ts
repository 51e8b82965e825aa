/** Keys that a schema does not name: in a provider's files each is a warning with its place, and never an error. */
import { z } from "zod";
import { nearestWord } from "../document/suggest.ts";
import { isRecord } from "../model/json.ts";
import type { Report } from "./report.ts";

interface UnknownField {
  readonly path: readonly (string | number)[];
  readonly name: string;
  /** What could stand there. */
  readonly known: readonly string[];
}

/** In the order of the file; a key that is free, as those of a step's config, is never unknown. */
function unknownFields(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly (string | number)[] = [],
): UnknownField[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return unknownFields(schema.unwrap(), value, path);
  }
  if (schema instanceof z.ZodUnion) {
    const record = schema.options.find((it) => it instanceof z.ZodObject);
    return record === undefined ? [] : unknownFields(record, value, path);
  }
  if (schema instanceof z.ZodArray) {
    if (!Array.isArray(value)) return [];
    return value.flatMap((item, index) => unknownFields(schema.element, item, [...path, index]));
  }
  if (!isRecord(value)) return [];
  if (schema instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, item]) =>
      unknownFields(schema.valueType, item, [...path, key]),
    );
  }
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  return Object.entries(value).flatMap(([name, item]) => {
    const inner = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (inner !== undefined) return unknownFields(inner, item, [...path, name]);
    return [{ path: [...path, name], name, known: Object.keys(shape) }];
  });
}

export function reportUnknownFields(schema: z.core.$ZodType, value: unknown, report: Report): void {
  for (const { path, name, known } of unknownFields(schema, value)) {
    const near = nearestWord(name, known);
    const hint = near === undefined ? "remove it" : `did you mean \`${near}\`?`;
    const message = `unknown field \`${name}\` is ignored`;
    report.add(path, {
      code: "schema/unknown-field",
      severity: "warning",
      message,
      hint,
      part: "key",
    });
  }
}
