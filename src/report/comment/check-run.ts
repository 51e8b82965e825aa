/** A plan's problems where the lines are: GitHub's check run. */
import type { Problem } from "../../model/problem.ts";
import { prose } from "../../plan/render/markdown-text.ts";
import { visible } from "../../plan/render/visible.ts";
import { headline } from "../../plan/render/words.ts";
import type { Annotation, CheckRun } from "../forge/forge.ts";
import type { Planning } from "./open.ts";
import { planVerdict } from "./statuses.ts";

export function planCheck(planning: Planning): CheckRun {
  const { context, state, description } = planVerdict(planning);
  const plan = planning.kind === "planned" ? planning.plan : undefined;
  return {
    name: context,
    conclusion: state === "success" ? "success" : state === "failure" ? "failure" : "neutral",
    title: plan === undefined ? description : `Plan: ${headline(plan)}`,
    summary: prose(description),
    annotations: (plan?.problems ?? []).filter((it) => it.file !== "").map(annotation),
  };
}

const annotation = ({ file, line, severity, code, message, hint }: Problem): Annotation => ({
  file,
  line,
  level: severity === "error" ? "failure" : "warning",
  title: visible(code),
  message: hint === undefined ? visible(message) : `${visible(message)}\nhint: ${visible(hint)}`,
});
