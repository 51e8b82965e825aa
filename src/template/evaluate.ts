/** Template and data → the pieces of its output, in order. Pure, bounded, own properties only. */
import { TemplateError } from "./errors.ts";
import type { Call, TemplateFunction } from "./functions/call.ts";
import { functionNamed, tolerates } from "./functions/registry.ts";
import { printed } from "./format.ts";
import type { Segment } from "./segment.ts";
import type { Command, Field, Node, Operand, Pipeline, RangeNode, Template } from "./syntax.ts";
import {
  Budget,
  type Value,
  type ValueMap,
  describe,
  entry,
  isList,
  isMap,
  isTruthy,
  maxOutput,
  sortedKeys,
} from "./value.ts";

type Flow = "on" | "break" | "continue";

/** @throws {TemplateError} */
export function evaluate(template: Template, data: ValueMap): Segment[] {
  const evaluation = new Evaluation(data);
  evaluation.walk(template.body, data);
  return evaluation.segments;
}

class Evaluation {
  readonly segments: Segment[] = [];
  readonly #data: ValueMap;
  readonly #variables: { name: string; value: Value }[];
  readonly #budget = new Budget();
  #length = 0;

  constructor(data: ValueMap) {
    this.#data = data;
    this.#variables = [{ name: "$", value: data }];
  }

  walk(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.#step(node, dot);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #step(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case "text":
        this.#budget.spend(1, node.offset);
        this.#grow(node.text, node.offset);
        this.segments.push({ kind: "literal", text: node.text });
        return "on";
      case "action": {
        const value = this.#pipeline(node.pipeline, dot, false);
        if (node.pipeline.variables.length === 0) this.#print(node.pipeline, value);
        return "on";
      }
      case "break":
      case "continue":
        return node.kind;
      case "if":
      case "with":
        return this.#scoped(() => {
          const value = this.#pipeline(node.pipeline, dot, true);
          if (!isTruthy(value)) return this.walk(node.otherwise, dot);
          return this.walk(node.body, node.kind === "with" ? value : dot);
        });
      case "range":
        return this.#scoped(() => this.#range(node, dot));
    }
  }

  #print(pipeline: Pipeline, value: Value): void {
    const { offset } = pipeline;
    this.#budget.measure(value, offset);
    const text = printed(value);
    this.#grow(text, offset);
    this.segments.push({ kind: "value", text, value, pipeline });
  }

  #grow(text: string, offset: number): void {
    this.#length += text.length;
    if (this.#length > maxOutput) {
      throw new TemplateError(offset, "output is longer than 8 MiB", "render less");
    }
  }

  #scoped(work: () => Flow): Flow {
    const mark = this.#variables.length;
    const flow = work();
    this.#variables.length = mark;
    return flow;
  }

  #range(node: RangeNode, dot: Value): Flow {
    const value = this.#pipeline(node.pipeline, dot, false);
    const mark = this.#variables.length;
    let ran = false;
    for (const [key, item] of this.#items(value, node.pipeline)) {
      ran = true;
      this.#budget.spend(1, node.pipeline.offset);
      this.#setLoopVariables(node.pipeline, key, item, mark);
      const flow = this.walk(node.body, item);
      this.#variables.length = mark;
      if (flow === "break") return "on";
    }
    return ran ? "on" : this.walk(node.otherwise, dot);
  }

  *#items(value: Value, { offset, variables }: Pipeline): Iterable<[Value, Value]> {
    if (isList(value)) {
      for (const [index, item] of value.entries()) yield [BigInt(index), item];
      return;
    }
    if (isMap(value)) {
      this.#budget.spend(Object.keys(value).length, offset);
      for (const key of sortedKeys(value)) yield [key, value[key] ?? null];
      return;
    }
    if (value === null) return;
    const isWhole =
      typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
    if (!isWhole || variables.length > 1) {
      const hint = isWhole ? "use one variable" : "range over a list, a map or a whole number";
      throw new TemplateError(offset, `range cannot go through ${describe(value)}`, hint);
    }
    for (let at = 0n; at < BigInt(value); at += 1n)
      yield [at, typeof value === "bigint" ? at : Number(at)];
  }

  /** Declared variables are the topmost ones: the pipeline pushed them. */
  #setLoopVariables(pipeline: Pipeline, key: Value, item: Value, mark: number): void {
    const { variables, assigns, offset } = pipeline;
    const [first, second] = variables;
    if (first === undefined) return;
    if (assigns) {
      this.#assign(first, second === undefined ? item : key, offset);
      if (second !== undefined) this.#assign(second, item, offset);
      return;
    }
    this.#variables[mark - 1] = { name: second ?? first, value: item };
    if (second !== undefined) this.#variables[mark - 2] = { name: first, value: key };
  }

  #assign(name: string, value: Value, offset: number): void {
    const found = this.#variables.findLast((it) => it.name === name);
    if (found === undefined) {
      throw new TemplateError(offset, `undefined variable ${name}`, `declare it with ${name} := …`);
    }
    found.value = value;
  }

  /** `tolerant`: a path whose last part is missing is null. */
  #pipeline(pipeline: Pipeline, dot: Value, tolerant: boolean): Value {
    let value: Value | undefined;
    for (const [index, command] of pipeline.commands.entries()) {
      const next = pipeline.commands[index + 1];
      const allowed = next === undefined ? tolerant : tolerates(next, next.rest.length, true);
      value = this.#command(command, dot, value, allowed);
    }
    const result = value ?? null;
    for (const name of pipeline.variables) {
      if (pipeline.assigns) this.#assign(name, result, pipeline.offset);
      else this.#variables.push({ name, value: result });
    }
    return result;
  }

  #command(command: Command, dot: Value, piped: Value | undefined, tolerant: boolean): Value {
    this.#budget.spend(1, command.offset);
    const { first } = command;
    return first.kind === "function"
      ? this.#call(first.name, command, dot, piped, tolerant)
      : this.#operand(first, dot, tolerant);
  }

  #call(
    name: string,
    command: Command,
    dot: Value,
    piped: Value | undefined,
    tolerant: boolean,
  ): Value {
    const { offset, rest } = command;
    const known = functionNamed(name);
    if (known === undefined)
      throw new TemplateError(offset, `unknown function ${name}`, "check its name");
    const args: Value[] = [];
    for (const [index, operand] of rest.entries()) {
      const value = this.#operand(operand, dot, tolerates(command, index, piped !== undefined));
      if ((name === "and" || name === "or") && isTruthy(value) === (name === "or")) return value;
      args.push(value);
    }
    if (piped !== undefined) args.push(piped);
    const isLiteral = (index: number): boolean => rest[index]?.kind === "literal";
    const call = { name, offset, budget: this.#budget, data: this.#data, isLiteral };
    const result = this.#run(known, args, call);
    if (result !== undefined || tolerant) return result ?? null;
    const hint = "give it a value, or test it with if or default";
    throw new TemplateError(offset, `${name}: the key it looks for is missing`, hint);
  }

  #run(known: TemplateFunction, args: readonly Value[], call: Call): Value | undefined {
    this.#budget.spend(args.length, call.offset);
    if (known.constant) return known.run(args, call);
    for (const arg of args) this.#budget.measure(arg, call.offset);
    const result = known.run(args, call);
    if (result !== undefined) this.#budget.measure(result, call.offset);
    return result;
  }

  #operand(operand: Operand, dot: Value, tolerant: boolean): Value {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "nil":
        return null;
      case "function":
        return this.#call(
          operand.name,
          { offset: operand.offset, first: operand, rest: [] },
          dot,
          undefined,
          tolerant,
        );
      case "field":
        return this.#fields(dot, operand.fields, "", tolerant);
      case "variable": {
        const found = this.#variables.findLast((it) => it.name === operand.name);
        return this.#fields(found?.value ?? null, operand.fields, operand.name, tolerant);
      }
      case "group": {
        const value = this.#pipeline(
          operand.pipeline,
          dot,
          tolerant && operand.fields.length === 0,
        );
        return this.#fields(value, operand.fields, "(…)", tolerant);
      }
    }
  }

  #fields(start: Value, fields: readonly Field[], root: string, tolerant: boolean): Value {
    let here = start;
    for (const [index, { name, offset }] of fields.entries()) {
      const path = (): string =>
        `${root}.${fields
          .slice(0, index + 1)
          .map((it) => it.name)
          .join(".")}`;
      this.#budget.spend(1, offset);
      if (!isMap(here)) {
        const parent = path().slice(0, -name.length - 1) || "the value here";
        const hint = "check the path, or test it with if or with before";
        throw new TemplateError(
          offset,
          `${path()}: ${parent} is ${describe(here)}, not a map`,
          hint,
        );
      }
      const found = entry(here, name);
      if (found === undefined) {
        if (tolerant && index === fields.length - 1) return null;
        const hint = "declare it, give it a value, or test it with if or default";
        throw new TemplateError(offset, `${path()} has no value`, hint);
      }
      here = found;
    }
    return here;
  }
}
