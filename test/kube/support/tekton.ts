/**
 * Tekton's two kinds as far as a test needs them, minimal definitions of our own, and what its
 * controller would do: the test does it.
 */
import type { JsonRecord } from "../../../src/model/json.ts";
import type { Corner } from "./namespace.ts";

const version = "tekton.dev/v1";

const definition = (kind: string, plural: string): string =>
  JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.tekton.dev` },
    spec: {
      group: "tekton.dev",
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          },
        },
      ],
    },
  });

/** Established when it resolves. */
export async function installTekton(corner: Corner): Promise<void> {
  const manifest = `${definition("PipelineRun", "pipelineruns")}\n---\n${definition("TaskRun", "taskruns")}`;
  await corner.settle({ manifest });
}

export interface PlayedTask {
  readonly name: string;
  readonly status: JsonRecord;
}

/** What Tekton's controller would write into a PipelineRun, and the TaskRuns it would make. */
export async function play(
  corner: Corner,
  name: string,
  status: JsonRecord,
  tasks: readonly PlayedTask[] = [],
): Promise<void> {
  for (const task of tasks) {
    const taskRun = `${name}-${task.name}`;
    await corner.apply(
      JSON.stringify({
        apiVersion: version,
        kind: "TaskRun",
        metadata: {
          name: taskRun,
          labels: { "tekton.dev/pipelineRun": name, "tekton.dev/pipelineTask": task.name },
        },
        spec: {},
      }),
      "tekton",
    );
    await corner.patch(version, "TaskRun", taskRun, { status: task.status }, "/status");
  }
  const childReferences = tasks.map((it) => ({ kind: "TaskRun", name: `${name}-${it.name}` }));
  const all = { childReferences, ...status };
  await corner.patch(version, "PipelineRun", name, { status: all }, "/status");
}

/** The condition that Tekton tells how far it is with. */
export const succeeded = (status: string, reason: string, message = ""): JsonRecord => ({
  conditions: [{ type: "Succeeded", status, reason, message }],
});
