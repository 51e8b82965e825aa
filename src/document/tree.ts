/**
 * One composed YAML document → a JSON value and the marks of where each part of it stands. Aliases
 * and merge keys are followed under a bound, so that a bomb of them is a problem and not a hang.
 */
import { isAlias, isMap, isScalar, isSeq, type Document, type Pair, type Scalar } from "yaml";
import { isRecord, type Json } from "../model/json.ts";
import type { Limits } from "./bytes.ts";
import type { Fault, Mark, Tree } from "./marks.ts";

interface Built {
  readonly value: Json;
  readonly mark: Mark;
  /** What following an alias to it costs. */
  readonly values: number;
  readonly aliases: number;
  readonly height: number;
}

class Refused extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

export function toTree(document: Document.Parsed, limits: Limits): Tree {
  const faults: Fault[] = [];
  const start = document.contents?.range[0] ?? document.range[0];
  const nothing: Tree = {
    value: undefined,
    mark: { key: start, value: start, children: undefined },
    faults,
  };
  if (document.contents === null) return nothing;
  try {
    const { value, mark } = new Builder(limits, faults).build(document.contents, start, 1);
    return faults.some((it) => it.severity === "error")
      ? { ...nothing, mark }
      : { value: value ?? undefined, mark, faults }; // a document of nothing is an empty one
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    faults.push(error.fault);
    return nothing;
  }
}

/** Lives for one document: the anchors seen so far, and what has been spent. */
class Builder {
  private readonly limits: Limits;
  private readonly faults: Fault[];
  private readonly anchors = new Map<string, Built | "open">();
  private values = 0;
  private aliases = 0;

  constructor(limits: Limits, faults: Fault[]) {
    this.limits = limits;
    this.faults = faults;
  }

  build(node: unknown, key: number, depth: number): Built {
    const anchor = isAlias(node) || !isNodeWithAnchor(node) ? undefined : node.anchor;
    if (anchor !== undefined) this.anchors.set(anchor, "open");
    const built = this.buildBare(node, key, depth);
    if (anchor !== undefined) this.anchors.set(anchor, built);
    return built;
  }

  private buildBare(node: unknown, key: number, depth: number): Built {
    if (isAlias(node)) return this.follow(node.source, node.range?.[0] ?? key, key, depth);
    this.spend(1, key);
    if (isMap(node)) return this.buildMap(node.items, node.range?.[0] ?? key, key, depth);
    if (isSeq(node)) return this.buildList(node.items, node.range?.[0] ?? key, key, depth);
    const isEmpty = !isScalar(node) || (node.source === "" && node.type === "PLAIN");
    const offset = isEmpty ? key : (node.range?.[0] ?? key);
    const mark = { key, value: offset, children: undefined };
    const value = isScalar(node) ? this.toJson(node, offset) : null;
    return { value, mark, values: 1, aliases: 0, height: 0 };
  }

  private buildList(items: readonly unknown[], at: number, key: number, depth: number): Built {
    this.descend(depth, at);
    const children = new Map<string, Mark>();
    const before = this.spent();
    let height = 0;
    const value = items.map((item, index) => {
      const built = this.build(item, offsetOf(item) ?? at, depth + 1);
      children.set(String(index), built.mark);
      height = Math.max(height, built.height);
      return built.value;
    });
    const mark = { key, value: at, children };
    return { value, mark, ...this.cost(before), height: height + 1 };
  }

  private buildMap(items: readonly Pair[], at: number, key: number, depth: number): Built {
    this.descend(depth, at);
    const entries = new Map<string, Built>();
    const merged = new Map<string, Built>();
    const before = this.spent();
    let height = 0;
    for (const pair of items) {
      const offset = offsetOf(pair.key) ?? at;
      const built = this.build(pair.value, offset, depth + 1);
      height = Math.max(height, built.height);
      if (isMergeKey(pair.key)) {
        this.merge(built, offset, merged);
        continue;
      }
      const name = this.nameOf(pair.key, offset);
      if (name === undefined) continue;
      if (entries.has(name)) {
        const message = `the key \`${name}\` stands twice in one mapping`;
        this.report(offset, "duplicate-key", message, "remove one of them");
        continue;
      }
      entries.set(name, built);
    }
    const all = new Map([...merged, ...entries]);
    const pairs = [...all].map(([name, built]): [string, Json] => [name, built.value]);
    const children = new Map([...all].map(([name, built]) => [name, built.mark]));
    const mark = { key, value: at, children };
    // fromEntries defines properties: a key `__proto__` stays a key
    const value = Object.fromEntries(pairs);
    return { value, mark, ...this.cost(before), height: height + 1 };
  }

  /** `<<`: keys of the mapping win over merged ones, and earlier merged ones over later. */
  private merge(source: Built, offset: number, into: Map<string, Built>): void {
    const sources = Array.isArray(source.value) ? source.value : [source.value];
    const marks = Array.isArray(source.value)
      ? [...(source.mark.children?.values() ?? [])]
      : [source.mark];
    for (const [index, value] of sources.entries()) {
      if (!isRecord(value)) {
        const message = "`<<` takes a mapping, or a list of mappings";
        this.report(
          offset,
          "merge-key",
          message,
          "merge an anchor like `<<: *name`, or quote the key",
        );
        return;
      }
      for (const [name, child] of Object.entries(value)) {
        const mark = marks[index]?.children?.get(name);
        if (mark === undefined || into.has(name)) continue;
        into.set(name, { value: child, mark, values: 0, aliases: 0, height: 0 });
      }
    }
  }

  private follow(name: string, offset: number, key: number, depth: number): Built {
    const target = this.anchors.get(name);
    if (target === undefined || target === "open") {
      const message =
        target === "open"
          ? `the alias \`*${name}\` stands inside its own anchor`
          : `the alias \`*${name}\` has no anchor before it`;
      const hint = target === "open" ? "remove it" : `add \`&${name}\` to the value it means`;
      this.report(offset, "alias", message, hint);
      const mark = { key, value: offset, children: undefined };
      return { value: null, mark, values: 1, aliases: 0, height: 0 };
    }
    this.aliases += 1 + target.aliases;
    if (this.aliases > this.limits.aliases) {
      const message = `aliases are followed more than ${this.limits.aliases} times`;
      throw new Refused(refusal(offset, "aliases", message, "write the values out"));
    }
    this.spend(target.values, offset);
    this.descend(depth + target.height - 1, offset);
    const mark = { key, value: target.mark.value, children: target.mark.children };
    return { ...target, mark };
  }

  private nameOf(key: unknown, offset: number): string | undefined {
    if (isScalar(key)) {
      if (typeof key.value === "string") return key.value;
      return key.value === null ? "" : (key.source ?? "");
    }
    if (isAlias(key)) {
      const { value } = this.follow(key.source, offset, offset, 1);
      if (typeof value === "string") return value;
    }
    if (key === null) return "";
    const message = "found a mapping or list as a key, expected text";
    this.report(offset, "key", message, "quote it; a template like `{{ … }}` needs quotes");
    return undefined;
  }

  private toJson(scalar: Scalar, offset: number): Json {
    const { value, source } = scalar;
    if (typeof value === "number") {
      if (!Number.isFinite(value)) {
        const message = `found \`${source}\`, which is no number in JSON`;
        this.report(offset, "number", message, `quote it: "${source}"`);
        return null;
      }
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        const message = `\`${source}\` is too long a number to be kept exactly`;
        const fault = refusal(offset, "inexact-number", message, `quote it: "${source}"`);
        this.faults.push({ ...fault, severity: "warning" });
      }
      return value;
    }
    if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
    return source ?? null; // a custom tag the parser does not know
  }

  private descend(depth: number, offset: number): void {
    if (depth <= this.limits.depth) return;
    const message = `found more than ${this.limits.depth} mappings and lists inside one another`;
    throw new Refused(refusal(offset, "too-deep", message, "flatten it"));
  }

  private spend(values: number, offset: number): void {
    this.values += values;
    if (this.values <= this.limits.values) return;
    const message = `found more than ${this.limits.values} values in one document`;
    throw new Refused(refusal(offset, "too-large", message, "split it into several documents"));
  }

  private spent = () => ({ values: this.values, aliases: this.aliases });

  private cost = (before: { values: number; aliases: number }) => ({
    values: this.values - before.values + 1,
    aliases: this.aliases - before.aliases,
  });

  private report(offset: number, code: string, message: string, hint: string): void {
    this.faults.push(refusal(offset, code, message, hint));
  }
}

const refusal = (offset: number, code: string, message: string, hint: string): Fault => ({
  offset,
  code: `yaml/${code}`,
  severity: "error",
  message,
  hint,
});

const isMergeKey = (key: unknown): boolean =>
  isScalar(key) && key.value === "<<" && key.type === "PLAIN";

const isNodeWithAnchor = (node: unknown): node is { anchor?: string } =>
  isMap(node) || isSeq(node) || isScalar(node);

const offsetOf = (node: unknown): number | undefined =>
  isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined;
