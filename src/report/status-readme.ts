/** The table that a person reads on the forge (DESIGN.md §5): what is there, what is not, and what to do. */
import { byPlace, compareText, type Problem } from "../model/problem.ts";
import { phaseOf, type Recorded } from "../model/resource.ts";
import { adviceFor } from "../plan/render/advice.ts";
import { clippedCode, clippedProse, prose, row } from "../plan/render/markdown-text.ts";
import { counted, shortCommit, utc } from "../plan/render/visible.ts";
import { gateText, problemCount } from "../plan/render/words.ts";
import { statusPath, type EnvironmentState } from "./environment-state.ts";

/** Forges stop rendering at about half a megabyte. */
const rowLimit = 1000;

/** Ends with a newline. */
export function statusReadme(environments: readonly EnvironmentState[]): string {
  const intro =
    "# Status\n\nWritten by innominatus, which overwrites what anybody else writes here. The files beside this one say the same for machines.";
  const sections = environments.map(environmentSection);
  const body = sections.length === 0 ? ["No environment has been planned yet."] : sections;
  return `${[intro, ...body].join("\n\n")}\n`;
}

function environmentSection(state: EnvironmentState): string {
  const live = state.resources.filter((it) => it.phase !== "deleted").toSorted(byWorkload);
  const calm = (it: Recorded): boolean => phaseOf(it) === "active" && !it.stalled;
  const shown = [...live.filter((it) => !calm(it)), ...live.filter(calm)].slice(0, rowLimit);
  const active = live.filter(calm).length;
  return [
    `## ${prose(state.environment)}`,
    live.length === 0
      ? "No resources."
      : `${active} of ${counted(live.length, "resource")} active.`,
    ...(live.length === 0 ? [] : [table(state.environment, shown.toSorted(byWorkload))]),
    ...(live.length > rowLimit
      ? [`… and ${live.length - rowLimit} more, in the files of this environment.`]
      : []),
    ...attention(live, state.planHash),
    ...problems(state.problems),
  ].join("\n\n");
}

const byWorkload = (a: Recorded, b: Recorded): number =>
  compareText(a.workload, b.workload) || compareText(a.uid, b.uid);

function table(environment: string, resources: readonly Recorded[]): string {
  const titles = ["workload", "resource", "phase", "since", "commit"];
  const rows = resources.map((it) =>
    row([
      `[${prose(it.workload)}](${statusPath(environment, it.workload)})`,
      clippedCode(it.uid),
      phaseOf(it) === "active" ? "active" : `**${phaseOf(it)}**`,
      utc(it.since),
      clippedCode(shortCommit(it.commit)),
    ]),
  );
  return [row(titles), row(titles.map(() => "---")), ...rows].join("\n");
}

/** Everything that is held or failed: why, and what to do. */
function attention(live: readonly Recorded[], planHash: string | null): string[] {
  const items = live.flatMap((it) => {
    const advice = adviceFor(it, planHash);
    if (advice === undefined) return [];
    const message = clippedProse(it.message === "" ? it.reason : it.message);
    const why =
      it.gate === null
        ? `${it.stalled ? "stalled" : it.phase}: ${message}`
        : prose(gateText(it.gate));
    const command = advice.command === undefined ? "" : `: ${clippedCode(advice.command)}`;
    return [`- ${clippedCode(it.uid)} ${why}\n  → ${prose(advice.text)}${command}`];
  });
  return items.length === 0 ? [] : ["### Held and failed", items.slice(0, rowLimit).join("\n")];
}

function problems(all: readonly Problem[]): string[] {
  if (all.length === 0) return [];
  const items = all
    .toSorted(byPlace)
    .slice(0, rowLimit)
    .map((it) => {
      const place = clippedCode(`${it.file}:${it.line}:${it.column}`);
      const hint = it.hint === undefined ? "" : ` (${clippedProse(it.hint)})`;
      return `- ${place} ${it.severity} ${clippedCode(it.code)}: ${clippedProse(it.message)}${hint}`;
    });
  return [`### ${problemCount(all)}`, items.join("\n")];
}
