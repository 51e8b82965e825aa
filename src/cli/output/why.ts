/** `innominatus why`: all that is known about one resource, and what happens next (law 12). */
import type { Explanation } from "../../controller/explanation.ts";
import type { Json, JsonRecord } from "../../model/json.ts";
import { gateJson } from "../../plan/render/json.ts";
import { plain, type Painter } from "../../plan/render/painter.ts";
import { shortCommit, utc, visible } from "../../plan/render/visible.ts";
import { gateText, reasonWords } from "../../plan/render/words.ts";
import { between } from "./elapsed.ts";
import { phaseColour } from "./records.ts";
import { waitsJson, waitText } from "./waits.ts";
import { padTo } from "./width.ts";

/** Ends with a newline. */
export function whyText(why: Explanation, now: Date, paint: Painter = plain): string {
  const { decided, provider, run, gate, next } = why;
  const colour = phaseColour(why.phase);
  const phase = colour === undefined ? why.phase : paint[colour](why.phase);
  const entry = (title: string, ...lines: readonly string[]): string[] =>
    lines.map((it, index) => `${paint.dim(padTo(index === 0 ? title : "", 10))}${it}`);
  const by = [
    ...(decided.author === null ? [] : [visible(decided.author)]),
    ...(decided.committedAt === null ? [] : [utc(decided.committedAt)]),
  ].join(", ");
  const subject = decided.subject === null ? "" : `  ${visible(decided.subject)}`;
  const { place } = decided;
  const at = next.at === null ? "" : `, ${utc(next.at)}`;
  return [
    `${paint.bold(visible(why.uid))} in ${visible(why.environment)}: ${phase} for ${between(why.since, now)}, since ${utc(why.since)}`,
    "",
    ...entry("decided", `${decided.operation}: ${reasonWords(decided.reason)}`),
    ...entry("commit", `${shortCommit(decided.commit)}${subject}`, ...(by === "" ? [] : [by])),
    ...entry("spec", `${visible(place.file)}:${place.line}:${place.column}`),
    ...entry("rule", visible(decided.rule)),
    ...entry(
      "provider",
      `${visible(`${provider.name}@${provider.version}`)} from ${visible(provider.source)}, bundle ${visible(provider.bundle).slice(0, 12)}`,
    ),
    ...entry(
      "needs",
      ...why.dependsOn.map((it) => `${visible(it.uid)} ${paint.dim(it.phase ?? "not there yet")}`),
    ),
    ...entry("last run", ...(run === null ? ["none yet"] : runLines(run, now, paint))),
    ...(gate === null ? [] : entry("gate", paint.yellow(gateText(gate)))),
    ...entry("waits for", ...why.waits.map((it) => paint.yellow(waitText(it)))),
    ...entry(
      "next",
      `${visible(next.text)}${at}`,
      ...(next.command === null ? [] : [paint.cyan(visible(next.command))]),
    ),
    "",
  ].join("\n");
}

const stepMarks = { started: "…", waiting: "…", ended: "✓", failed: "✗", skipped: "-" } as const;

function runLines(
  { run, steps }: NonNullable<Explanation["run"]>,
  now: Date,
  paint: Painter,
): string[] {
  const took = run.startedAt === null ? "" : `, ${between(run.startedAt, run.endedAt ?? now)}`;
  const attempt = run.attempt > 1 ? `, attempt ${run.attempt}` : "";
  const message = run.message === "" ? [] : [`${visible(run.reason)}: ${visible(run.message)}`];
  return [
    `${run.state}: ${run.operation} with ${visible(run.workflow)}${attempt}${took}`,
    paint.dim(visible(run.id)),
    ...message,
    ...steps.flatMap((it) => {
      const mark = `${stepMarks[it.state]} ${visible(it.name)} (${visible(it.type)})`;
      const tries = it.attempts > 1 ? `, ${it.attempts} attempts` : "";
      const line = `${mark}${paint.dim(`, ${between(it.startedAt, it.endedAt ?? now)}${tries}`)}`;
      const error = it.error === null ? [] : it.error.split("\n").filter((text) => text !== "");
      return [
        it.state === "failed" ? paint.red(line) : line,
        ...error.map((text) => `    ${visible(text)}`),
      ];
    }),
  ];
}

export function whyJson(why: Explanation): JsonRecord {
  const { decided, provider, run, next } = why;
  return {
    uid: why.uid,
    environment: why.environment,
    phase: why.phase,
    since: why.since,
    decided: {
      operation: decided.operation,
      reason: decided.reason,
      message: reasonWords(decided.reason),
      commit: decided.commit,
      author: decided.author,
      committedAt: decided.committedAt,
      subject: decided.subject,
      file: decided.place.file,
      line: decided.place.line,
      column: decided.place.column,
      rule: decided.rule,
    },
    provider: {
      name: provider.name,
      version: provider.version,
      source: provider.source,
      bundle: provider.bundle,
    },
    dependsOn: why.dependsOn.map(({ uid, phase }): Json => ({ uid, phase })),
    run: run === null ? null : runJson(run),
    gate: gateJson(why.gate),
    waits: waitsJson(why.waits),
    next: { text: next.text, at: next.at, command: next.command },
  };
}

const runJson = ({ run, steps }: NonNullable<Explanation["run"]>): Json => ({
  id: run.id,
  operation: run.operation,
  workflow: run.workflow,
  state: run.state,
  reason: run.reason,
  message: run.message,
  attempt: run.attempt,
  queuedAt: run.queuedAt,
  startedAt: run.startedAt,
  endedAt: run.endedAt,
  steps: steps.map((it): Json => ({
    name: it.name,
    type: it.type,
    state: it.state,
    attempts: it.attempts,
    startedAt: it.startedAt,
    endedAt: it.endedAt,
    error: it.error,
  })),
});
