/**
 * A repository with one workload that asks for one `thing`, whose scripts leave a trace of every
 * effect they have: a line in a file, named after the step's key.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../../support/repository.ts";

export interface World {
  /** Folder that the scripts write to: what exists outside of the controller. */
  readonly folder: string;
}

export const score = (size: string, names: readonly string[] = ["thing"]): string => `
apiVersion: score.dev/v1b1
metadata:
  name: shop
containers:
  web:
    image: example/shop:1
resources:
${names.map((name) => `  ${name}:\n    type: thing\n    params: { size: ${size} }`).join("\n")}
`;

export const specFile = "apps/shop/score.yaml";

/** Bash around a step's effect; the folder of the world is in `$world`. */
export interface Around {
  readonly before?: string;
  readonly after?: string;
}

/** @param around by `operation/step` */
export function thingFiles(world: World, around: Readonly<Record<string, Around>> = {}): Files {
  const step = (operation: string, name: string, effect: string): string => `
  - name: ${name}
    type: policy
    timeout: 60s
    config:
      script: |
        set -euo pipefail
        world='${world.folder}'
        ${around[`${operation}/${name}`]?.before ?? ":"}
        ${effect}
        echo "$INNOMINATUS_STEP_KEY" >> "$world/effects"
        ${around[`${operation}/${name}`]?.after ?? ":"}`;
  const workflow = (operation: string, steps: string, outputs: string, parameters = ""): string => `
apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata:
  name: ${operation}-thing
${parameters}
steps:${steps}
${outputs}`;
  const parameters = `parameters:
  - name: size
    type: string
    default: small`;
  const write = `echo "$PARAM_SIZE" > "$world/$RESOURCE_NAME"; echo '{"size":"'"$PARAM_SIZE"'"}'`;
  const outputs = `outputs:
  size: "{{ .steps.make.output.size }}"
  token: "{{ .steps.secret.output.value }}"`;
  const secret = `
  - name: secret
    type: secret
    config: { length: 16, alphabet: alphanumeric }`;
  return {
    ".innominatus.yaml": `
apiVersion: innominatus.dev/v1
kind: Repository
deletion: { budget: { count: 100, percent: 100 }, grace: 0s, statefulGrace: 0s }
`,
    "providers/team/provider.yaml": `
apiVersion: v1
kind: Provider
metadata:
  name: team
  version: 1.0.0
capabilities:
  resourceTypeCapabilities:
    - type: thing
      operations:
        create: { workflow: create-thing }
        update: { workflow: update-thing }
        delete: { workflow: delete-thing }
workflows:
  - { name: create-thing, file: ./workflows/create.yaml, operation: create }
  - { name: update-thing, file: ./workflows/update.yaml, operation: update }
  - { name: delete-thing, file: ./workflows/delete.yaml, operation: delete }
`,
    "providers/team/workflows/create.yaml": workflow(
      "create",
      step("create", "prepare", ":") + secret + step("create", "make", write),
      outputs,
      parameters,
    ),
    "providers/team/workflows/update.yaml": workflow(
      "update",
      step("update", "make", write),
      `outputs:\n  size: "{{ .steps.make.output.size }}"`,
      parameters,
    ),
    "providers/team/workflows/delete.yaml": workflow(
      "delete",
      step("delete", "remove", `rm -f "$world/$RESOURCE_NAME"`) + step("delete", "after", ":"),
      "",
    ),
  };
}

/** How often each step had its effect, by key. */
export async function effectsOf({ folder }: World): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const key of await linesOf(join(folder, "effects"))) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

async function linesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((it) => it !== "");
}
