/** A provider as its files have it, once read: the types it claims, and its workflows. */
import type { Place } from "../model/problem.ts";
import type { Workflow, WorkflowOperation } from "../model/workflow.ts";

/** A later one takes a type over from those before it. */
export const layers = ["shipped", "configured", "repository"] as const;

export type Layer = (typeof layers)[number];

export interface ProviderSource {
  readonly layer: Layer;
  /** For people: the folder, or `repository@ref`. */
  readonly label: string;
}

export interface Provider {
  readonly name: string;
  readonly version: string;
  readonly source: ProviderSource;
  readonly place: Place;
  readonly category: string;
  readonly description: string;
  readonly capabilities: readonly Capability[];
  /** Types it claims and cannot serve: nobody else serves them in its place. */
  readonly broken: readonly BrokenCapability[];
  readonly workflows: ReadonlyMap<string, Workflow>;
  /** Those of its workflows that it offers to people: in the order of the manifest. */
  readonly goldenPaths: readonly GoldenPath[];
}

export interface GoldenPath {
  /** Of its workflow, too. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly tags: readonly string[];
}

export interface Capability {
  readonly type: string;
  /** Another type whose capability serves this one; it has no operations of its own then. */
  readonly aliasFor?: string;
  readonly stateful: boolean;
  readonly operations: { readonly [operation in WorkflowOperation]?: WorkflowChoice };
  readonly place: Place;
}

export interface BrokenCapability {
  readonly type: string;
  readonly place: Place;
  /** For people: what of it has mistakes. */
  readonly message: string;
}

export interface WorkflowChoice {
  readonly default: string;
  /** In place of `default` where the environment has a Kubernetes cluster. */
  readonly inCluster?: string;
  readonly tagged: readonly TaggedWorkflow[];
}

export interface TaggedWorkflow {
  readonly name: string;
  readonly tags: readonly string[];
}
