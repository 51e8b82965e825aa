/**
 * Which provider and which of its workflows serve a resource, and why (law 12). In this order: the
 * type's provider, through aliases; of an operation's workflows the one that the class asks for by
 * tag, else the default.
 */
import { nearestWord } from "../document/suggest.ts";
import {
  workflowOperations,
  type Bundle,
  type Workflow,
  type WorkflowOperation,
} from "../model/workflow.ts";
import { makeBundle } from "./bundle.ts";
import { aliasOf, nameOf, type Catalog, type Claim, type Claims } from "./catalog.ts";
import type { Capability, Provider, WorkflowChoice } from "./provider.ts";
import { builtStepTypes } from "./step-types.ts";

export type Resolution =
  | {
      readonly ok: true;
      readonly bundle: Bundle;
      /** One sentence per decision, in the order they were taken. */
      readonly explanation: readonly string[];
    }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

/** The same object for the same question. */
export function resolve(catalog: Catalog, type: string, resourceClass: string): Resolution {
  const key = JSON.stringify([type, resourceClass]);
  const known = catalog.resolved.get(key);
  if (known !== undefined) return known;
  const resolution = decide(catalog, type, resourceClass);
  catalog.resolved.set(key, resolution);
  return resolution;
}

function decide(catalog: Catalog, asked: string, resourceClass: string): Resolution {
  const explanation: string[] = [];
  const seen = new Set<string>();
  let type = asked;
  for (;;) {
    const found = catalog.byType.get(type);
    const [claim, second] = found?.claims ?? [];
    if (found === undefined || claim === undefined) return unknownType(catalog, asked, type);
    if (second !== undefined && second.provider !== claim.provider)
      return conflict(type, claim, second);
    explanation.push(`${type}: ${served(found, claim)}`);
    const { capability, provider } = claim;
    if (!("operations" in capability)) {
      const message = `the type "${type}" is claimed by ${nameOf(provider)}, and ${capability.message}`;
      return {
        ok: false,
        code: "provider/broken-capability",
        message,
        hint: "correct the provider's files",
      };
    }
    const target = aliasOf(claim);
    if (target === undefined) {
      return bundleOf(provider, capability, resourceClass, catalog.inCluster, explanation);
    }
    if (seen.has(type)) {
      const message = `the type "${asked}" is an alias that leads in a circle`;
      return {
        ok: false,
        code: "provider/alias-cycle",
        message,
        hint: "let one of them have operations",
      };
    }
    seen.add(type);
    explanation.push(`${type} is an alias for ${target}`);
    type = target;
  }
}

function served({ overruled }: Claims, { provider }: Claim): string {
  const [lower] = overruled;
  const before = lower === undefined ? "" : `, which takes it over from ${nameOf(lower.provider)}`;
  return `served by ${nameOf(provider)}${before}`;
}

function bundleOf(
  provider: Provider,
  { type, stateful, operations }: Capability,
  resourceClass: string,
  inCluster: boolean,
  explanation: string[],
): Resolution {
  const chosen = workflowOperations.flatMap((operation): [WorkflowOperation, Workflow][] => {
    const choice = operations[operation];
    if (choice === undefined) {
      explanation.push(`${operation}: there is no workflow`);
      return [];
    }
    const { name, why } = choose(choice, resourceClass, inCluster);
    const workflow = provider.workflows.get(name);
    explanation.push(`${operation}: workflow ${name}, ${why}`);
    return workflow === undefined ? [] : [[operation, workflow]];
  });
  for (const [operation, { name, steps }] of chosen) {
    const step = steps.find((it) => !builtStepTypes.includes(it.type));
    if (step === undefined) continue;
    const message = `to ${operation} a ${type}, the workflow ${name} of ${nameOf(provider)} needs a step of type "${step.type}", which this build does not perform`;
    const hint = `use a provider with steps of these types: ${builtStepTypes.join(", ")}`;
    return { ok: false, code: "provider/unsupported-step", message, hint };
  }
  const bundle = makeBundle({
    provider: provider.name,
    version: provider.version,
    source: `${provider.source.layer}: ${provider.source.label}`,
    type,
    stateful,
    workflows: Object.fromEntries(chosen),
  });
  return { ok: true, bundle, explanation };
}

function choose(
  { default: preset, inCluster, tagged }: WorkflowChoice,
  resourceClass: string,
  hasCluster: boolean,
): { readonly name: string; readonly why: string } {
  const match = tagged.find((it) => it.tags.includes(resourceClass));
  if (match !== undefined) return { name: match.name, why: `which has the tag "${resourceClass}"` };
  if (hasCluster && inCluster !== undefined) {
    return { name: inCluster, why: "the default where the environment has a cluster" };
  }
  const why =
    resourceClass === "default" || tagged.length === 0
      ? "the default"
      : `the default: none has the tag "${resourceClass}"`;
  return { name: preset, why };
}

function unknownType(catalog: Catalog, asked: string, type: string): Resolution {
  const known = [...catalog.byType.keys()].toSorted();
  const near = nearestWord(type, known);
  const through = asked === type ? "" : ` (for which "${asked}" is an alias)`;
  const message = `no provider serves the type "${type}"${through}`;
  const list = known.length === 0 ? "there are no providers" : `use one of: ${known.join(", ")}`;
  const hint = near === undefined ? list : `did you mean \`${near}\`?`;
  return { ok: false, code: "provider/unknown-type", message, hint };
}

function conflict(type: string, a: Claim, b: Claim): Resolution {
  const message = `the type "${type}" is claimed by ${nameOf(a.provider)} and by ${nameOf(b.provider)}`;
  const hint = "remove it from one of the two";
  return { ok: false, code: "provider/type-conflict", message, hint };
}
