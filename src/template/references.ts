/**
 * Which data a template reads: every path from the top, also through `with`, `$` and variables as
 * far as the text alone tells. What `validate` compares with what is declared.
 */
import { tolerates } from "./functions/registry.ts";
import type { Command, Field, Node, Operand, Pipeline, Template } from "./syntax.ts";
import { literalText } from "./syntax.ts";

export interface TemplateReference {
  readonly path: readonly string[];
  /** Of its first field, in UTF-16 units into the text. */
  readonly offset: number;
  /** A missing value is no error here: it is tested, has a default, or a test around it saw it. */
  readonly tested: boolean;
}

/** A place in the data; `undefined`: not known from the text. */
type Path = readonly string[] | undefined;

/** Paths known to have a value where a condition holds, and where it does not. */
interface Proof {
  readonly holds: readonly Path[];
  readonly fails: readonly Path[];
}

const nothing: Proof = { holds: [], fails: [] };

/** In the order they stand in the text. */
export function referencesOf(template: Template): TemplateReference[] {
  const reader = new Reader();
  reader.walk(template.body, [], []);
  return reader.found.toSorted((a, b) => a.offset - b.offset);
}

class Reader {
  readonly found: TemplateReference[] = [];
  readonly #variables: { name: string; path: Path }[] = [{ name: "$", path: [] }];

  walk(nodes: readonly Node[], dot: Path, known: readonly Path[]): void {
    for (const node of nodes) {
      if ("offset" in node) continue; // text, break, continue
      if (node.kind === "action") {
        this.#pipeline(node.pipeline, dot, known, false);
        continue;
      }
      const mark = this.#variables.length;
      const path = this.#pipeline(node.pipeline, dot, known, node.kind !== "range");
      const proof = node.kind === "range" ? nothing : this.#proof(node.pipeline, dot);
      if (node.kind === "range") this.#forget(node.pipeline.variables);
      const inner = node.kind === "if" ? dot : node.kind === "with" ? path : undefined;
      this.walk(node.body, inner, [...known, ...proof.holds]);
      this.walk(node.otherwise, dot, [...known, ...proof.fails]);
      this.#variables.length = mark;
    }
  }

  #pipeline(pipeline: Pipeline, dot: Path, known: readonly Path[], tolerant: boolean): Path {
    let path: Path;
    for (const [index, command] of pipeline.commands.entries()) {
      const next = pipeline.commands[index + 1];
      const allowed = next === undefined ? tolerant : tolerates(next, next.rest.length, true);
      path = this.#command(command, dot, known, allowed, index > 0);
    }
    for (const name of pipeline.variables) {
      if (pipeline.assigns) this.#forget([name]);
      else this.#variables.push({ name, path });
    }
    return path;
  }

  #command(
    command: Command,
    dot: Path,
    known: readonly Path[],
    tolerant: boolean,
    piped: boolean,
  ): Path {
    const { first, rest } = command;
    if (first.kind !== "function") return this.#operand(first, dot, known, tolerant);
    const looked = this.#lookup(command, dot);
    if (looked !== undefined) {
      const isTested = tolerant || first.name === "hasKey";
      this.#add(looked, rest[0]?.offset ?? first.offset, isTested, known);
      return first.name === "hasKey" ? undefined : looked;
    }
    let seen = known;
    for (const [index, operand] of rest.entries()) {
      this.#operand(operand, dot, seen, tolerates(command, index, piped));
      const proof = this.#operandProof(operand, dot);
      if (first.name === "and") seen = [...seen, ...proof.holds];
      if (first.name === "or") seen = [...seen, ...proof.fails];
    }
    return undefined;
  }

  #operand(operand: Operand, dot: Path, known: readonly Path[], tolerant: boolean): Path {
    switch (operand.kind) {
      case "literal":
      case "nil":
      case "function":
        return undefined;
      case "group": {
        const whole = tolerant && operand.fields.length === 0;
        const start = this.#pipeline(operand.pipeline, dot, known, whole);
        return this.#fields(start, operand.fields, known, tolerant);
      }
      case "field":
        return this.#fields(dot, operand.fields, known, tolerant);
      case "variable":
        return this.#fields(this.#valueOf(operand.name), operand.fields, known, tolerant);
    }
  }

  #fields(start: Path, fields: readonly Field[], known: readonly Path[], tolerant: boolean): Path {
    const path = extend(start, fields);
    const [first] = fields;
    if (path !== undefined && first !== undefined) this.#add(path, first.offset, tolerant, known);
    return path;
  }

  #add(path: readonly string[], offset: number, tolerant: boolean, known: readonly Path[]): void {
    const tested = tolerant || known.some((it) => it !== undefined && isPrefix(it, path));
    this.found.push({ path, offset, tested });
  }

  /** `index`, `get` and `hasKey` with literal keys, which are paths written otherwise. */
  #lookup({ first, rest }: Command, dot: Path): Path {
    if (first.kind !== "function" || !["index", "get", "hasKey"].includes(first.name))
      return undefined;
    const [subject, ...keys] = rest;
    const start = subject === undefined ? undefined : this.#pathOf(subject, dot);
    const names = keys.map(literalText);
    if (start === undefined || names.length === 0) return undefined;
    const known = names.filter((it) => it !== undefined);
    return known.length === names.length ? [...start, ...known] : undefined;
  }

  #pathOf(operand: Operand, dot: Path): Path {
    if (operand.kind === "field") return extend(dot, operand.fields);
    return operand.kind === "variable"
      ? extend(this.#valueOf(operand.name), operand.fields)
      : undefined;
  }

  #proof({ commands }: Pipeline, dot: Path): Proof {
    const [command, ...more] = commands;
    if (command === undefined || more.length > 0) return nothing;
    const { first, rest } = command;
    if (first.kind !== "function") return this.#operandProof(first, dot);
    const inner = rest.map((it) => this.#operandProof(it, dot));
    const [only = nothing] = inner;
    switch (first.name) {
      case "not":
      case "empty":
        return { holds: only.fails, fails: only.holds };
      case "and":
        return { holds: inner.flatMap((it) => it.holds), fails: [] };
      case "or":
        return { holds: [], fails: inner.flatMap((it) => it.fails) };
      case "index":
      case "get":
      case "hasKey":
        return { holds: [this.#lookup(command, dot)], fails: [] };
      default:
        return nothing;
    }
  }

  #operandProof(operand: Operand, dot: Path): Proof {
    if (operand.kind === "group" && operand.fields.length === 0)
      return this.#proof(operand.pipeline, dot);
    const path = this.#pathOf(operand, dot);
    return path === undefined || path.length === 0 ? nothing : { holds: [path], fails: [] };
  }

  #valueOf(name: string): Path {
    return this.#variables.findLast((it) => it.name === name)?.path;
  }

  #forget(names: readonly string[]): void {
    for (const name of names) {
      const found = this.#variables.findLast((it) => it.name === name);
      if (found !== undefined) found.path = undefined;
    }
  }
}

const extend = (start: Path, fields: readonly Field[]): Path =>
  start === undefined ? undefined : [...start, ...fields.map((it) => it.name)];

const isPrefix = (prefix: readonly string[], path: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((it, index) => it === path[index]);
