/** What a capability needs that is not there, so that it cannot be tried out. Pure. */
import { isRecord, own, type Json } from "../model/json.ts";
import type { Bundle, WorkflowStep } from "../model/workflow.ts";

export interface AtHand {
  /** Names of the connections that the settings have. */
  readonly connections: readonly string[];
  /** Steps may send requests. */
  readonly network: boolean;
}

/** For people; `undefined`: nothing is missing. */
export function missingFor({ workflows }: Bundle, atHand: AtHand): string | undefined {
  const missing = Object.values(workflows)
    .flatMap((it) => it.steps)
    .flatMap((step) => missingForStep(step, atHand) ?? []);
  return missing[0];
}

function missingForStep(
  { name, type, config }: WorkflowStep,
  { connections, network }: AtHand,
): string | undefined {
  if (type === "kubernetes" || type === "tekton") {
    return `its step ${name} acts in a cluster, and there is none here`;
  }
  const connection = type === "sql" ? config : type === "wait" ? own(config, "sql") : undefined;
  const asked = connectionOf(connection);
  if (asked !== undefined && !connections.includes(asked)) {
    const variable = `INNOMINATUS_CONNECTION_${asked.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
    return `its step ${name} needs the connection "${asked}": set ${variable}, or name it in the settings`;
  }
  const sends =
    type === "http" ||
    (type === "wait" && (own(config, "http") !== undefined || own(config, "tcp") !== undefined));
  if (!sends || network) return undefined;
  return `its step ${name} sends requests: allow them with \`network: true\` in tests/conformance.yaml`;
}

/** A name that is a template is known only when it runs. */
function connectionOf(config: Json | undefined): string | undefined {
  const name = isRecord(config) ? own(config, "connection") : undefined;
  return typeof name === "string" && !name.includes("{{") ? name : undefined;
}
