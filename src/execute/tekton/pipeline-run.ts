/** The PipelineRun that a step asks for (E16, E28, E34). Pure: the same step and attempt give the same object. */
import { createHash } from "node:crypto";
import { canonical, type Json, type JsonRecord } from "../../model/json.ts";
import type { TektonConfig } from "./config.ts";

/** Whose object it is: written into its annotations, and compared when one of its name is there (E17). */
export interface Owner {
  readonly run: string;
  readonly step: string;
  /** At the engine: 1 for the first object of the step. */
  readonly attempt: number;
}

export interface Described extends Owner {
  readonly uid: string;
  readonly environment: string;
}

/** Annotations that say whose an object is. */
export const annotation = {
  run: "innominatus.dev/run",
  step: "innominatus.dev/step",
  attempt: "innominatus.dev/attempt",
  specHash: "innominatus.dev/spec-hash",
  resource: "innominatus.dev/resource",
} as const;

/** E16. */
export const objectName = ({ run, step, attempt }: Owner): string =>
  `inn-${sha256(`${run}/${step}/${attempt}`).slice(0, 16)}`;

/**
 * @param pipelineMs how long the whole of it may take: never absent, so that a lost controller
 *   leaves nothing running for ever (E34)
 */
export function buildPipelineRun(
  config: TektonConfig,
  described: Described,
  pipelineMs: number,
): JsonRecord {
  const spec = specOf(config, pipelineMs);
  const { run, step, attempt, uid, environment } = described;
  return {
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    metadata: {
      name: objectName(described),
      namespace: config.namespace,
      labels: {
        "app.kubernetes.io/managed-by": "innominatus",
        "innominatus.dev/environment": labelValue(environment),
        "innominatus.dev/resource": labelValue(uid),
        "innominatus.dev/run": labelValue(run),
        "innominatus.dev/step": labelValue(step),
      },
      annotations: {
        [annotation.attempt]: String(attempt),
        [annotation.resource]: uid,
        [annotation.run]: run,
        [annotation.specHash]: specHash(config),
        [annotation.step]: step,
      },
    },
    spec,
  };
}

/** Of what was asked for, but not how long it may take: that is another moment's answer for the same wish. */
export const specHash = (config: TektonConfig): string => sha256(canonical(specOf(config, 0)));

/** A tag may come to mean another image: worth a warning, and the digest it meant is recorded (E28). */
export const isByTag = ({ pipelineRef }: TektonConfig): boolean =>
  "bundle" in pipelineRef && !/@sha256:[0-9a-f]{64}$/.test(pipelineRef.bundle);

/** Legal for Kubernetes: at most 63 letters, digits, `-`, `_`, `.`, the ends alphanumeric. The whole text is in an annotation. */
export const labelValue = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, "");

/** Go's way to write a duration; Tekton takes nothing finer than it needs. */
export function goDuration(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / 1_000));
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m${seconds % 60}s`;
}

function specOf(config: TektonConfig, pipelineMs: number): JsonRecord {
  const { serviceAccountName, params, workspaces, timeouts } = config;
  return {
    pipelineRef: referenceOf(config.pipelineRef),
    params: sortedEntries(params).map(([name, value]) => ({ name, value })),
    workspaces: sortedEntries(workspaces).map(([name, it]) => workspaceOf(name, it)),
    ...(serviceAccountName === undefined ? {} : { taskRunTemplate: { serviceAccountName } }),
    timeouts: {
      pipeline: goDuration(pipelineMs),
      ...(timeouts.tasks === undefined ? {} : { tasks: goDuration(timeouts.tasks) }),
      ...(timeouts.finally === undefined ? {} : { finally: goDuration(timeouts.finally) }),
    },
  };
}

function referenceOf(reference: TektonConfig["pipelineRef"]): JsonRecord {
  if ("bundle" in reference) {
    const { bundle, name, kind } = reference;
    return resolved("bundles", [
      ["bundle", bundle],
      ["name", name],
      ["kind", kind],
    ]);
  }
  if ("cluster" in reference) {
    const { kind, name, namespace } = reference.cluster;
    return resolved("cluster", [
      ["kind", kind],
      ["name", name],
      ["namespace", namespace],
    ]);
  }
  return { name: reference.name };
}

const resolved = (
  resolver: string,
  params: readonly (readonly [string, string])[],
): JsonRecord => ({
  resolver,
  params: params.map(([name, value]) => ({ name, value })),
});

function workspaceOf(name: string, workspace: TektonConfig["workspaces"][string]): JsonRecord {
  const { configMap, secret, pvc, emptyDir, volumeClaimTemplate, subPath } = workspace;
  const source: { [key: string]: Json } = {};
  if (configMap !== undefined) source["configMap"] = { name: configMap };
  if (secret !== undefined) source["secret"] = { secretName: secret };
  if (pvc !== undefined) source["persistentVolumeClaim"] = { claimName: pvc };
  if (emptyDir !== undefined) source["emptyDir"] = emptyDir;
  if (volumeClaimTemplate !== undefined) source["volumeClaimTemplate"] = volumeClaimTemplate;
  return { name, ...source, ...(subPath === undefined ? {} : { subPath }) };
}

const sortedEntries = <V>(record: Readonly<Record<string, V>>): [string, V][] =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
