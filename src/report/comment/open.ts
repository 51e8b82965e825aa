/** The comment on an open pull request: what its merge would do, to each environment of its branch. */
import type { Plan, PlannedOperation } from "../../model/plan.ts";
import type { Uid } from "../../model/uid.ts";
import { clippedCode, clippedProse, fenced, link, prose } from "../../plan/render/markdown-text.ts";
import { planMarkdown } from "../../plan/render/markdown.ts";
import { counted, shortCommit } from "../../plan/render/visible.ts";
import { headline, nextSteps, type PlanFacts } from "../../plan/render/words.ts";
import { seconds } from "./words.ts";

export interface OpenPullRequest {
  readonly number: number;
  readonly base: string;
  readonly head: string;
  readonly fork: boolean;
}

/** What planning a pull request for one environment came to. */
export type Planning =
  | {
      readonly kind: "planned";
      readonly plan: Plan;
      readonly facts: PlanFacts;
      /** The tip that the head was merged onto. */
      readonly onto: string;
      readonly notes: readonly Note[];
      readonly forecast: Forecast | undefined;
    }
  | {
      readonly kind: "unplanned";
      readonly environment: string;
      readonly why: Unplanned;
    };

export type Unplanned =
  | { readonly kind: "conflict"; readonly files: readonly string[] }
  | { readonly kind: "unrelated" }
  | { readonly kind: "unsupported" }
  /** In words for people, nothing secret in them. */
  | { readonly kind: "failed"; readonly message: string };

export type Note =
  /** The pull request changes `.innominatus.yaml`, which is not believed before it is merged. */
  | { readonly kind: "settings-edited"; readonly file: string }
  /** Another open pull request, numbered lower, touches the same resource. */
  | { readonly kind: "also-touched"; readonly uid: Uid; readonly number: number }
  /** Somebody approved this very plan. */
  | { readonly kind: "approved" };

/** From past runs of the same types and operations, along the longest chain of dependencies. */
export interface Forecast {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

export interface Links {
  commit(commit: string): string;
  file(ref: string, path: string, line?: number): string;
}

/** Without the marker. At most `limit` characters. */
export function openComment(
  pullRequest: OpenPullRequest,
  plannings: readonly Planning[],
  links: Links,
  limit: number,
): string {
  const each = Math.floor(limit / Math.max(1, plannings.length));
  return plannings.map((it) => section(pullRequest, it, links, each)).join("\n");
}

function section(
  pullRequest: OpenPullRequest,
  planning: Planning,
  links: Links,
  limit: number,
): string {
  const { base, head } = pullRequest;
  if (planning.kind === "unplanned") {
    const where = `${clippedCode(base)} (environment ${clippedCode(planning.environment)})`;
    return `${unplannedText(planning.why, where, limit)}\n\n${commitLine(head, links)}\n`;
  }
  const { plan, facts, notes } = planning;
  return planMarkdown(plan, facts, limit, {
    title: `## Plan: ${headline(plan)}`,
    notes: [
      `Merging this into ${clippedCode(base)} would do this to environment ${clippedCode(plan.environment)}.`,
      ...noteTexts(notes),
    ],
    linkTo: (file, line) => (file === "" ? undefined : links.file(head, file, line)),
    closing: closing(planning, pullRequest, links),
  });
}

/** At most ten of a kind: what they say is the same. */
function noteTexts(notes: readonly Note[]): string[] {
  const touched = notes.flatMap((it) => (it.kind === "also-touched" ? [it] : []));
  const more = touched.length - 10;
  return [
    ...notes.flatMap((it) => {
      if (it.kind === "approved") return ["> ✅ This very plan has been approved."];
      if (it.kind !== "settings-edited") return [];
      return [
        `> ⚠️ This changes ${clippedCode(it.file)}. Policy comes from the target branch: the plan below is made with the settings there, and what is changed counts once it is merged.`,
      ];
    }),
    ...(touched.length === 0
      ? []
      : [
          [
            ...touched
              .slice(0, 10)
              .map(
                (it) =>
                  `> - ⚠️ ${clippedCode(it.uid)} is touched by #${it.number} too: whichever of the two is merged second is planned anew`,
              ),
            ...(more > 0 ? [`> - and ${counted(more, "resource")} more`] : []),
          ].join("\n"),
        ]),
  ];
}

function unplannedText(why: Unplanned, where: string, limit: number): string {
  switch (why.kind) {
    case "conflict":
      return [
        `## No plan: this conflicts with ${where}`,
        "",
        "These files were changed on both sides. Resolve the conflict, and the plan is made again.",
        "",
        ...why.files
          .slice(0, Math.min(50, Math.floor(limit / 400)))
          .map((it) => `- ${clippedCode(it)}`),
        ...(why.files.length > 50 ? [`- and ${why.files.length - 50} more`] : []),
      ].join("\n");
    case "unrelated":
      return `## No plan: this has no commit in common with ${where}\n\nRebase it onto the branch, and the plan is made.`;
    case "unsupported":
      return `## No plan: the merge into ${where} cannot be made here\n\nThe controller's git is older than 2.38, which cannot merge without a work tree. Rebase this onto the branch to have it planned, or upgrade git.`;
    case "failed":
      return `## No plan for ${where}\n\n${clippedProse(why.message)}`;
  }
}

function closing(
  { plan, onto, forecast }: Extract<Planning, { kind: "planned" }>,
  { head }: OpenPullRequest,
  links: Links,
): string {
  const isHeld = (it: PlannedOperation): boolean =>
    it.gate?.kind === "approval" || it.gate?.kind === "budget";
  const approval = plan.operations.some(isHeld);
  const steps = nextSteps(plan).filter((it) => it.command === undefined);
  const took =
    forecast === undefined
      ? []
      : [
          `Once merged, this has usually taken ${seconds(forecast.p50Ms)}, and nine times out of ten no more than ${seconds(forecast.p90Ms)}.`,
          "",
        ];
  return [
    ...steps.flatMap((it) => [`- ${prose(it.text)}`, ""]),
    ...(approval
      ? [
          "What waits for an approval goes on once somebody with write access comments, before the merge or after it:",
          "",
          fenced("", [`/innominatus approve ${plan.hash}`]),
          "",
        ]
      : []),
    ...took,
    "<details><summary>Commands</summary>",
    "",
    ...commandLines,
    "",
    "</details>",
    "",
    `Plan ${clippedCode(plan.hash)} of ${commitLink(head, links)}, merged onto ${commitLink(onto, links)}.`,
  ].join("\n");
}

/** In a comment, by people with write access. */
export const commandLines: readonly string[] = [
  "| comment | does |",
  "| --- | --- |",
  "| `/innominatus plan` | plans again |",
  "| `/innominatus approve HASH` | approves exactly the plan of this hash |",
  "| `/innominatus retry RESOURCE` | tries again what has failed |",
  "| `/innominatus why RESOURCE` | explains what was decided, and by which rule |",
  "| `/innominatus help` | shows this |",
];

const commitLink = (commit: string, links: Links): string =>
  link(`\`${shortCommit(commit)}\``, links.commit(commit));

const commitLine = (head: string, links: Links): string => `Looked at ${commitLink(head, links)}.`;
