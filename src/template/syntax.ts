/** The tree of a parsed template. Offsets are UTF-16 units into its text. */

/** A mistake in a template's text. */
export interface TemplateFault {
  /** UTF-16 units into the text. */
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}

export interface Template {
  readonly text: string;
  readonly body: readonly Node[];
}

export type Node = TextNode | ActionNode | BranchNode | RangeNode | JumpNode;

interface TextNode {
  readonly kind: "text";
  readonly text: string;
  readonly offset: number;
}

/** `{{ pipeline }}`: prints its value, unless it declares or assigns a variable. */
interface ActionNode {
  readonly kind: "action";
  readonly pipeline: Pipeline;
}

interface BranchNode {
  readonly kind: "if" | "with";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface RangeNode {
  readonly kind: "range";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

interface JumpNode {
  readonly kind: "break" | "continue";
  readonly offset: number;
}

export interface Pipeline {
  readonly offset: number;
  /** As written, for messages. */
  readonly source: string;
  /** Names with their `$`. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  /** At least one. */
  readonly commands: readonly Command[];
}

/** An operand, or a function and its arguments. */
export interface Command {
  readonly offset: number;
  readonly first: Operand;
  readonly rest: readonly Operand[];
}

export type Operand =
  | { readonly kind: "literal"; readonly offset: number; readonly value: Literal }
  | { readonly kind: "nil"; readonly offset: number }
  | { readonly kind: "function"; readonly offset: number; readonly name: string }
  /** `.a.b`; no fields: the dot itself. */
  | { readonly kind: "field"; readonly offset: number; readonly fields: readonly Field[] }
  | {
      readonly kind: "variable";
      readonly offset: number;
      readonly name: string;
      readonly fields: readonly Field[];
    }
  | {
      readonly kind: "group";
      readonly offset: number;
      readonly pipeline: Pipeline;
      readonly fields: readonly Field[];
    };

export interface Field {
  readonly name: string;
  readonly offset: number;
}

/** Go's int is a bigint here, its float64 a number. */
export type Literal = boolean | bigint | number | string;

export const literalText = (operand: Operand | undefined): string | undefined =>
  operand?.kind === "literal" && typeof operand.value === "string" ? operand.value : undefined;
