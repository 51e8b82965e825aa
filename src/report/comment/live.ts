/** The comment on a merged pull request: what has become of each resource, until all of it is done. */
import type { JsonRecord } from "../../model/json.ts";
import type { Gate, Operation } from "../../model/plan.ts";
import type { Phase } from "../../model/resource.ts";
import type { Uid } from "../../model/uid.ts";
import { showValue } from "../../plan/render/fields.ts";
import {
  clippedCode,
  clippedProse,
  codeElement,
  fenced,
  link,
  prose,
  row,
} from "../../plan/render/markdown-text.ts";
import { clip, counted, shortCommit, utc, visible } from "../../plan/render/visible.ts";
import type { NextStep } from "../../plan/render/words.ts";
import type { Links } from "./open.ts";
import { clockTime, seconds } from "./words.ts";

export interface LiveResource {
  readonly uid: Uid;
  readonly workload: string;
  readonly operation: Operation;
  readonly provider: string;
  readonly workflow: string | null;
  /** `kept`: it is as it was, and nothing has to be done; `taken-back`: a later commit wants it otherwise. */
  readonly phase: Phase | "kept" | "taken-back";
  readonly requestedAt: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly gate: Gate | null;
  readonly outputs: JsonRecord;
  readonly secretRefs: Readonly<Record<string, string>>;
  readonly failure: Failure | undefined;
  readonly advice: NextStep | undefined;
}

export interface Failure {
  readonly run: string;
  /** The step that failed; empty where the run failed before any. */
  readonly step: string;
  readonly message: string;
  /** The last of what it printed, masked. */
  readonly lines: readonly string[];
}

export interface LiveState {
  readonly environment: string;
  /** What brought it to the branch. */
  readonly commit: string;
  /** Sorted: deletions first, then by uid. */
  readonly resources: readonly LiveResource[];
}

const done: ReadonlySet<LiveResource["phase"]> = new Set([
  "active",
  "deleted",
  "kept",
  "taken-back",
]);

/** Nothing more will come of it by itself, and nothing is wrong. */
export const isSettled = (state: LiveState): boolean =>
  state.resources.every((it) => done.has(it.phase));

/** Without the marker. At most `limit` characters. */
export function liveComment(states: readonly LiveState[], links: Links, limit: number): string {
  const each = Math.floor(limit / Math.max(1, states.length));
  return states.map((it) => section(it, links, each)).join("\n");
}

function section(state: LiveState, links: Links, limit: number): string {
  const { resources, environment, commit } = state;
  const ready = resources.filter((it) => done.has(it.phase)).length;
  const failed = resources.filter((it) => it.phase === "failed").length;
  const held = resources.filter((it) => it.phase === "held").length;
  const also = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(held > 0 ? [`${held} held`] : []),
  ].join(", ");
  const count =
    resources.length === 0
      ? "nothing to do"
      : `${ready} of ${counted(resources.length, "resource")} done${also === "" ? "" : `, ${also}`}`;
  const head = [
    `## Merged: ${count}`,
    "",
    `As ${link(`\`${shortCommit(commit)}\``, links.commit(commit))}, in environment ${clippedCode(environment)}.`,
  ].join("\n");
  if (resources.length === 0) return `${head}\n`;

  const space = limit - head.length - 800;
  const table = fit(resources.map(tableRow), space);
  const blocks = fit(
    [
      ...resources.flatMap((it) => failureBlock(it)),
      ...resources.flatMap((it) => adviceLine(it)),
      ...resources.flatMap((it) => outputBlock(it)),
    ],
    space - size(table.kept),
  );
  const titles = ["", "resource", "operation", "provider and workflow", "progress"];
  return `${[
    head,
    [
      row(titles),
      row(titles.map(() => "---")),
      ...table.kept,
      ...(table.left === 0
        ? []
        : [
            "",
            `… and ${counted(table.left, "resource")} more than fit here: \`innominatus status\` shows all.`,
          ]),
    ].join("\n"),
    ...blocks.kept,
    ...(blocks.left === 0 ? [] : ["… and more than fits here: `innominatus resources` shows all."]),
  ].join("\n\n")}\n`;
}

const signs: Readonly<Record<LiveResource["phase"], string>> = {
  requested: "⏳",
  provisioning: "🔧",
  updating: "🔧",
  deleting: "🔧",
  active: "✅",
  deleted: "✅",
  kept: "✅",
  "taken-back": "↩️",
  failed: "❌",
  held: "✋",
};

function tableRow(it: LiveResource): string {
  const lossy = it.operation === "delete" || it.operation === "replace";
  return row([
    signs[it.phase],
    clippedCode(it.uid),
    lossy ? `**${it.operation}**` : it.operation,
    [it.provider, ...(it.workflow === null ? [] : [it.workflow])].map(clippedCode).join(" "),
    progress(it),
  ]);
}

const working: Readonly<Partial<Record<Operation, string>>> = {
  create: "provisioning",
  update: "updating",
  delete: "deleting",
  replace: "replacing",
};

function progress(it: LiveResource): string {
  if (it.phase === "kept") return "stays as it is";
  if (it.phase === "taken-back") return "a later commit wants something else";
  if (it.phase === "held" && it.gate !== null) {
    const until = it.gate.until === undefined ? "" : ` until ${prose(utc(it.gate.until))}`;
    return `held by **${it.gate.kind}**${until}: ${clippedProse(it.gate.message)}`;
  }
  const took =
    it.startedAt !== null && it.endedAt !== null
      ? ` (${seconds(Date.parse(it.endedAt) - Date.parse(it.startedAt))})`
      : "";
  const last = it.phase === "active" || it.phase === "deleted" || it.phase === "failed";
  return [
    `requested${it.requestedAt === null ? "" : ` ${clockTime(it.requestedAt)}`}`,
    ...(it.startedAt === null
      ? []
      : [`${working[it.operation] ?? it.phase} ${clockTime(it.startedAt)}`]),
    ...(last
      ? [`**${it.phase}**${it.endedAt === null ? "" : ` ${clockTime(it.endedAt)}`}${took}`]
      : []),
  ].join(" → ");
}

function failureBlock({ uid, failure, phase }: LiveResource): string[] {
  if (failure === undefined || phase !== "failed") return [];
  const where = failure.step === "" ? "" : ` in step ${clippedCode(failure.step)}`;
  const lines = failure.lines.slice(-10).map((it) => clip(visible(it), 300));
  return [
    [
      `### ${clippedCode(uid)} failed${where}`,
      "",
      clippedProse((failure.message.split("\n", 1)[0] ?? "").replace(/:$/, "")),
      ...(lines.length === 0 ? [] : ["", fenced("text", lines)]),
      "",
      `All of it: ${clippedCode(`innominatus logs ${failure.run}`)}`,
    ].join("\n"),
  ];
}

function adviceLine({ uid, advice, phase }: LiveResource): string[] {
  if (advice === undefined || done.has(phase)) return [];
  const typed = advice.command?.replace(/^innominatus /, "/innominatus ");
  const command = typed === undefined ? "" : `: ${clippedCode(typed)}`;
  return [`- ${clippedCode(uid)}: ${prose(advice.text)}${command}`];
}

function outputBlock({ uid, phase, outputs, secretRefs }: LiveResource): string[] {
  const plain = Object.keys(outputs).toSorted();
  const secret = Object.keys(secretRefs).toSorted();
  if (phase !== "active" || plain.length + secret.length === 0) return [];
  return [
    [
      `<details><summary>Outputs of ${codeElement(clip(uid, 160))}</summary>`,
      "",
      row(["output", "value"]),
      row(["---", "---"]),
      ...plain
        .slice(0, 50)
        .map((it) => row([clippedCode(it), clippedCode(showValue(outputs[it] ?? null))])),
      ...secret
        .slice(0, 50)
        .map((it) =>
          row([clippedCode(it), `secret: ${clippedCode(readingOf(secretRefs[it] ?? ""))}`]),
        ),
      "",
      "</details>",
    ].join("\n"),
  ];
}

/** `k8s://namespace/name/key` is read where it is. */
function readingOf(reference: string): string {
  const [, namespace, name, key] = /^k8s:\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(reference) ?? [];
  return namespace === undefined
    ? `innominatus secret ${reference}`
    : `kubectl get secret -n ${namespace} ${name ?? ""} -o go-template='{{index .data "${key ?? ""}" | base64decode}}'`;
}

function fit(
  rows: readonly string[],
  space: number,
): { readonly kept: readonly string[]; readonly left: number } {
  let used = 0;
  const cut = rows.findIndex((it) => (used += it.length + 2) > space);
  return cut === -1
    ? { kept: rows, left: 0 }
    : { kept: rows.slice(0, cut), left: rows.length - cut };
}

const size = (rows: readonly string[]): number => rows.reduce((sum, it) => sum + it.length + 2, 0);
