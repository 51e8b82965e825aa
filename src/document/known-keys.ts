/** Which fields a schema knows at a path: for "did you mean …?" beside an unknown one. */
import { z } from "zod";

export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const found = path.reduce<z.core.$ZodType[]>(
    (schemas, part) => schemas.flatMap((it) => childrenOf(it, part)),
    unwrap(schema),
  );
  const keys = found.flatMap((it) => (it instanceof z.ZodObject ? Object.keys(it.shape) : []));
  return [...new Set(keys)].toSorted();
}

function childrenOf(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const key = String(part);
    const child: unknown = Object.hasOwn(schema.shape, key)
      ? schema.shape[key]
      : schema.def.catchall;
    return child instanceof z.ZodType ? unwrap(child) : [];
  }
  if (schema instanceof z.ZodRecord) return unwrap(schema.valueType);
  if (schema instanceof z.ZodArray) return unwrap(schema.element);
  return [];
}

/** What stands behind `.optional()`, `.default()`, a union and the like. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap);
  if (schema instanceof z.ZodIntersection) {
    return [...unwrap(schema.def.left), ...unwrap(schema.def.right)];
  }
  if (schema instanceof z.ZodPipe) return [...unwrap(schema.in), ...unwrap(schema.out)];
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodLazy
  ) {
    return unwrap(schema.unwrap());
  }
  return [schema];
}
