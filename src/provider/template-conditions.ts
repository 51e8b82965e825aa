/** Conditions of a template: where a value that is not set would silently take the `else`. */
import type { Node } from "../template/syntax.ts";

/** Source of the `if` whose condition holds the character at `offset`. */
export function conditionAround(body: readonly Node[], offset: number): string | undefined {
  for (const node of body) {
    if (node.kind !== "if" && node.kind !== "with" && node.kind !== "range") continue;
    const { offset: start, source } = node.pipeline;
    if (node.kind === "if" && start <= offset && offset < start + source.length) return source;
    const inner = conditionAround([...node.body, ...node.otherwise], offset);
    if (inner !== undefined) return inner;
  }
  return undefined;
}
