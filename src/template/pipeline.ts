/** Tokens of one action → a pipeline: declarations, commands and their operands. */
import { functionNamed, nearestFunction } from "./functions/registry.ts";
import type { Token } from "./lex.ts";
import type { Command, Field, Operand, Pipeline, TemplateFault } from "./syntax.ts";

const maxDepth = 100;
/** In scope at once; looking one up is linear. */
const maxVariables = 1000;

export class PipelineReader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #variables: string[];
  readonly #faults: TemplateFault[];
  #at = 0;
  #depth = 0;

  /** `variables` are those in scope; declarations are added to it, and faults to `faults`. */
  constructor(
    source: string,
    tokens: readonly Token[],
    variables: string[],
    faults: TemplateFault[],
  ) {
    this.#source = source;
    this.#tokens = tokens;
    this.#variables = variables;
    this.#faults = faults;
  }

  /** @returns `undefined` after a fault; the rest of the action is not looked at then */
  read(context: string): Pipeline | undefined {
    return this.#pipeline(context, "end");
  }

  #pipeline(context: string, closing: "end" | ")"): Pipeline | undefined {
    const offset = this.#peek().offset;
    this.#depth += 1;
    if (this.#depth > maxDepth) return this.#fault(offset, `nested deeper than ${maxDepth} groups`);
    const declared = this.#declarations(context);
    if (declared === undefined) return undefined;
    const commands: Command[] = [];
    for (;;) {
      const command = this.#command(commands.length > 0);
      if (command === undefined) return undefined;
      commands.push(command);
      const next = this.#next();
      if (next.text === "|" && next.kind === "mark") continue;
      const closed = closing === "end" ? next.kind === "end" : next.text === ")";
      if (!closed) {
        const message = next.kind === "end" ? "( is not closed" : `unexpected ${show(next)}`;
        return this.#fault(next.kind === "end" ? offset : next.offset, message);
      }
      this.#depth -= 1;
      const source = this.#source.slice(offset, next.offset).trim();
      return { offset, source, ...declared, commands };
    }
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } | undefined {
    const [first, mark, second, last] = this.#tokens.slice(this.#at, this.#at + 4);
    const names: Token[] = [];
    if (first?.kind === "variable" && isMark(mark, ":=", "=")) {
      names.push(first);
    } else if (
      first?.kind === "variable" &&
      isMark(mark, ",") &&
      second?.kind === "variable" &&
      isMark(last, ":=", "=")
    ) {
      if (context !== "range") return this.#fault(first.offset, `two variables in ${context}`);
      names.push(first, second);
    } else {
      return { variables: [], assigns: false };
    }
    this.#at += names.length * 2;
    const assigns = (names.length === 1 ? mark : last)?.text === "=";
    const unknown = names.find((it) => !this.#variables.includes(it.text));
    if (assigns && unknown !== undefined) return this.#undefinedVariable(unknown);
    if (this.#variables.length >= maxVariables) {
      return this.#fault(this.#peek().offset, `more than ${maxVariables} variables`);
    }
    const variables = names.map((it) => it.text);
    if (!assigns) this.#variables.push(...variables);
    return { variables, assigns };
  }

  #command(piped: boolean): Command | undefined {
    const offset = this.#peek().offset;
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === "end" || isMark(token, "|", ")")) break;
      if (operands.length > 0 && !token.spaced) {
        return this.#fault(token.offset, `unexpected ${show(token)}`, "separate it with a space");
      }
      const operand = this.#operand();
      if (operand === undefined) return undefined;
      operands.push(operand);
    }
    const [first, ...rest] = operands;
    if (first === undefined) return this.#fault(offset, "a value is missing");
    if (first.kind === "function") return this.#call(first, rest, piped, offset);
    if (first.kind === "nil") return this.#fault(offset, "nil is not a command");
    if (piped) return this.#fault(offset, "only a function can take what is piped into it");
    if (rest.length > 0) return this.#fault(offset, "only a function can take arguments");
    return { offset, first, rest };
  }

  #call(
    first: Extract<Operand, { kind: "function" }>,
    rest: Operand[],
    piped: boolean,
    offset: number,
  ): Command | undefined {
    const known = functionNamed(first.name);
    const count = rest.length + (piped ? 1 : 0);
    if (known !== undefined && (count < known.min || count > known.max)) {
      const { min, max } = known;
      const wanted =
        min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
      return this.#fault(offset, `${first.name} takes ${wanted} arguments, and has ${count}`);
    }
    return { offset, first, rest };
  }

  #operand(): Operand | undefined {
    const token = this.#next();
    const { offset } = token;
    switch (token.kind) {
      case "literal":
        return this.#unchained({ kind: "literal", offset, value: token.value ?? token.text });
      case "dot":
        return this.#unchained({ kind: "field", offset, fields: [] });
      case "field": {
        const first = { name: token.text, offset };
        return { kind: "field", offset, fields: [first, ...this.#fields()] };
      }
      case "variable":
        if (!this.#variables.includes(token.text)) return this.#undefinedVariable(token);
        return { kind: "variable", offset, name: token.text, fields: this.#fields() };
      case "word":
        return this.#word(token);
      case "mark": {
        if (token.text !== "(") break;
        const pipeline = this.#pipeline("parentheses", ")");
        if (pipeline === undefined) return undefined;
        return { kind: "group", offset, pipeline, fields: this.#fields() };
      }
      case "end":
        break;
    }
    return this.#fault(offset, `unexpected ${show(token)}`);
  }

  #word({ text, offset }: Token): Operand | undefined {
    if (text === "true" || text === "false") {
      return this.#unchained({ kind: "literal", offset, value: text === "true" });
    }
    if (text === "nil") return this.#unchained({ kind: "nil", offset });
    if (functionNamed(text) === undefined) {
      const near = nearestFunction(text);
      const hint =
        near === undefined ? `a parameter is written .parameters.${text}` : `did you mean ${near}?`;
      return this.#fault(offset, `unknown function ${text}`, hint);
    }
    return this.#unchained({ kind: "function", offset, name: text });
  }

  #fields(): Field[] {
    const fields: Field[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind !== "field" || token.spaced) return fields;
      fields.push({ name: token.text, offset: token.offset });
      this.#at += 1;
    }
  }

  #unchained(operand: Operand): Operand | undefined {
    const next = this.#peek();
    return next.kind === "field" && !next.spaced
      ? this.#fault(next.offset, `unexpected .${next.text}`, "put the value before it in ( )")
      : operand;
  }

  #undefinedVariable(token: Token): undefined {
    return this.#fault(
      token.offset,
      `undefined variable ${token.text}`,
      `declare it before with ${token.text} := …`,
    );
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "}}", offset: 0, end: 0, spaced: false };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #fault(offset: number, message: string, hint?: string): undefined {
    this.#faults.push(hint === undefined ? { offset, message } : { offset, message, hint });
    return undefined;
  }
}

const isMark = (token: Token | undefined, ...texts: string[]): boolean =>
  token?.kind === "mark" && texts.includes(token.text);

const show = (token: Token): string => (token.kind === "field" ? `.${token.text}` : token.text);
