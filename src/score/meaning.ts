/** What the schema cannot say of one spec: what its placeholders and `before` name, and that nothing goes in circles. */
import type { Where } from "../document/check.ts";
import { nearestWord } from "../document/suggest.ts";
import { isRecord, own, type JsonRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";
import { cyclesIn } from "./cycles.ts";
import { entriesIn, expandedTexts, recordsIn, type ExpandedText } from "./expanded.ts";
import { lookupIn } from "./lookup.ts";
import { placeholdersIn, type Reference } from "./placeholders.ts";

/** Also for a spec that the schema refuses: what has another shape is passed over. */
export function checkMeaning(spec: JsonRecord, where: Where): readonly Problem[] {
  const texts = expandedTexts(spec);
  return [
    ...placeholderProblems(texts, spec, where),
    ...paramCycles(texts, spec, where),
    ...beforeProblems(spec, where),
  ];
}

/** The same one twice in a text is one mistake. */
const distinct = (placeholders: readonly Reference[]): Reference[] => [
  ...new Map(placeholders.map((it) => [it.reference, it])).values(),
];

interface Finding {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

function placeholderProblems(
  texts: readonly ExpandedText[],
  spec: JsonRecord,
  where: Where,
): Problem[] {
  return texts.flatMap((it) =>
    distinct(placeholdersIn(it.text)).flatMap((placeholder): Problem[] => {
      const finding = judge(placeholder, it, spec);
      return finding === undefined ? [] : [problemAt(where, it.path, finding)];
    }),
  );
}

function judge(
  { reference, path }: Reference,
  { kind }: ExpandedText,
  spec: JsonRecord,
): Finding | undefined {
  const [root = "", name = "", ...rest] = path;
  const written = `\`\${${reference}}\``;
  const plain = `for plain text write \`$\${${reference}}\``;
  if (root === "metadata" && path.length > 1) return judgeMetadata(reference, path, spec);
  if (path.length < 2) {
    const message =
      reference === ""
        ? `${written} is empty, expected \`metadata.…\` or \`resources.…\``
        : `${written} has one element, expected at least two`;
    return { code: "malformed-placeholder", message, hint: plain };
  }
  if (root !== "resources") {
    const near = nearestWord(root, ["resources", "metadata"]);
    const message = `${written} starts with \`${root}\`, expected \`metadata\` or \`resources\``;
    const hint = near === undefined ? plain : `did you mean \`${near}\`? ${plain}`;
    return { code: "unknown-root", message, hint };
  }
  if (!path.every((part, index) => isElement(part, reference, index))) {
    const message = `${written} is malformed, expected elements of letters, digits, \`_\` and \`-\`, joined by \`.\``;
    return { code: "malformed-placeholder", message, hint: plain };
  }
  const resources = own(spec, "resources");
  if (resources !== undefined && !isRecord(resources)) return undefined;
  if (resources === undefined || !Object.hasOwn(resources, name)) {
    const declared = Object.keys(resources ?? {}).toSorted();
    const near = nearestWord(name, declared);
    const message = `${written} names the resource \`${name}\`, which this workload does not declare`;
    const list = declared.length === 0 ? "" : `; declared are: ${declared.join(", ")}`;
    const hint =
      near === undefined ? `declare it under \`resources\`${list}` : `did you mean \`${near}\`?`;
    return { code: "unknown-resource", message, hint };
  }
  if (rest.length > 0 || kind === "volume") return undefined;
  const message = `${written} names no output of the resource \`${name}\``;
  return { code: "missing-output", message, hint: `add one, like \`\${${reference}.host}\`` };
}

/** Metadata is all there: what a placeholder names can be looked up at once. */
function judgeMetadata(
  reference: string,
  path: readonly string[],
  spec: JsonRecord,
): Finding | undefined {
  const metadata = own(spec, "metadata");
  if (!isRecord(metadata)) return undefined;
  const resolved = lookupIn({ metadata, outputs: () => undefined })({ reference, path });
  if (resolved.kind !== "fault") return undefined;
  const near = nearestWord(path[1] ?? "", Object.keys(metadata));
  const dots = path[1] === "annotations" && path.length > 3;
  return {
    code: "unknown-metadata",
    message: `\`\${${reference}}\`: ${resolved.message}`,
    hint: dots
      ? "a dot that belongs to a key is written `\\.`"
      : near !== undefined && path.length === 2
        ? `did you mean \`\${metadata.${near}}\`?`
        : `add the key to the workload's \`metadata\``,
  };
}

/** With `\.` in it, any key may be meant. */
const isElement = (part: string, reference: string, index: number): boolean =>
  index > 1 && reference.includes("\\.") && part.includes(".") ? true : /^[\w-]+$/.test(part);

function paramCycles(texts: readonly ExpandedText[], spec: JsonRecord, where: Where): Problem[] {
  const uses = new Map<string, { name: string; at: ExpandedText["path"] }[]>();
  const resources = own(spec, "resources");
  if (!isRecord(resources)) return [];
  for (const it of texts) {
    if (it.kind !== "param") continue;
    const owner = String(it.path[1]);
    const named = placeholdersIn(it.text)
      .filter(({ path }) => path[0] === "resources" && Object.hasOwn(resources, path[1] ?? ""))
      .map(({ path }) => ({ name: path[1] ?? "", at: it.path }));
    if (named.length > 0) uses.set(owner, [...(uses.get(owner) ?? []), ...named]);
  }
  const edges = new Map([...uses].map(([owner, named]) => [owner, named.map((it) => it.name)]));
  return cyclesIn(edges).map((cycle) => {
    const [first = ""] = cycle;
    const own_ = uses.get(first)?.find((it) => it.name === first);
    const path = cycle.length === 1 && own_ !== undefined ? own_.at : ["resources"];
    const chain = [...cycle, first].map((it) => `\`${it}\``).join(" → ");
    const message =
      cycle.length === 1
        ? `the params of the resource \`${first}\` refer to its own outputs`
        : `the params of these resources refer to each other's outputs: ${chain}`;
    const hint = "take out one of the placeholders";
    return problemAt(where, path, { code: "param-cycle", message, hint });
  });
}

function beforeProblems(spec: JsonRecord, where: Where): Problem[] {
  const containers = recordsIn(own(spec, "containers"));
  const names = new Set(containers.map(([name]) => name));
  const problems: Problem[] = [];
  const edges = new Map<string, string[]>();
  for (const [name, container] of containers) {
    for (const [target] of entriesIn(own(container, "before"))) {
      const path = ["containers", name, "before", target];
      if (target === name) {
        const message = `the container \`${name}\` is to start before itself`;
        problems.push(problemAt(where, path, { code: "before-self", message, hint: "remove it" }));
      } else if (names.has(target)) {
        edges.set(name, [...(edges.get(name) ?? []), target]);
      } else {
        const near = nearestWord(target, [...names]);
        const message = `there is no container \`${target}\``;
        const hint =
          near === undefined
            ? `the containers are: ${[...names].toSorted().join(", ")}`
            : `did you mean \`${near}\`?`;
        problems.push(problemAt(where, path, { code: "before-unknown", message, hint }));
      }
    }
  }
  const cycles = cyclesIn(edges).map((cycle) => {
    const chain = [...cycle, cycle[0]].map((it) => `\`${it}\``).join(" → ");
    const message = `these containers are each to start before the next: ${chain}`;
    return problemAt(where, ["containers"], {
      code: "before-cycle",
      message,
      hint: "take out one of the `before` entries",
    });
  });
  return [...problems, ...cycles];
}

function problemAt(where: Where, path: readonly PropertyKey[], finding: Finding): Problem {
  const { place, pointer } = where(path);
  const { code, message, hint } = finding;
  return { ...place, pointer, code: `score/${code}`, severity: "error", message, hint };
}
