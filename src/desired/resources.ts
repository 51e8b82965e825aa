/**
 * Workloads × providers → the resources that git asks for, placeholders resolved as far as the
 * recorded outputs reach. What a mistake keeps from being worked out is blocked, and the rest goes on.
 */
import { isRecord, type Json, type JsonRecord } from "../model/json.ts";
import { byPlace, compareText, isError, type Place, type Problem } from "../model/problem.ts";
import type { Desired, Outputs, ResourceIdentity } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Workflow } from "../model/workflow.ts";
import type { Catalog } from "../provider/catalog.ts";
import { engineInputs } from "../provider/engine-inputs.ts";
import { bindParameters } from "../provider/parameters.ts";
import { resolve } from "../provider/resolve.ts";
import { checkWorkloads } from "../score/conflicts.ts";
import { lookupIn, lookupInMetadata } from "../score/lookup.ts";
import { placeholdersIn, substitute, substitutePartly } from "../score/placeholders.ts";
import { uidOf, type ResourceRequest, type Workload } from "../score/workload.ts";
import { namesIn } from "./needs.ts";

/** A resource that git asks for, but that a mistake in a file keeps from being worked out. */
export interface BlockedResource extends ResourceIdentity {
  readonly message: string;
  readonly place: Place;
}

export interface DesiredState {
  /** Unique by uid, sorted. */
  readonly desired: readonly Desired[];
  readonly blocked: readonly BlockedResource[];
  readonly problems: readonly Problem[];
}

/** A request with all that is known before any output is. */
type Prepared =
  | {
      readonly kind: "desired";
      readonly desired: Desired;
      readonly names: ReadonlyMap<string, Uid>;
    }
  | { readonly kind: "blocked"; readonly blocked: BlockedResource };

interface PreparedWorkload {
  readonly catalog: Catalog;
  readonly resources: readonly Prepared[];
  readonly problems: readonly Problem[];
}

export interface Desirer {
  /** @param outputs of recorded resources; `undefined`: none yet */
  desire(
    workloads: readonly Workload[],
    catalog: Catalog,
    outputs: (uid: Uid) => Outputs | undefined,
  ): DesiredState;
}

interface Last {
  readonly workloads: readonly Workload[];
  readonly catalog: Catalog;
  /** Nothing was blocked, shared, waiting for outputs, or worth a word: workloads stand for themselves. */
  readonly plain: boolean;
  readonly state: DesiredState;
  /** Where each uid stands in `state.desired`. */
  readonly indexOf: ReadonlyMap<Uid, number>;
}

/** One per repository and environment; what it worked out for a workload stands while nothing it came from changes. */
export function createDesirer(scope: Scope): Desirer {
  const known = new WeakMap<Workload, PreparedWorkload>();
  let last: Last | undefined;

  const preparedOf = (workload: Workload, catalog: Catalog): PreparedWorkload => {
    const before = known.get(workload);
    if (before?.catalog === catalog) return before;
    const prepared = prepareWorkload(workload, catalog, scope);
    known.set(workload, prepared);
    return prepared;
  };

  const desireAll = (
    workloads: readonly Workload[],
    catalog: Catalog,
    outputs: (uid: Uid) => Outputs | undefined,
  ): Last => {
    const sorted = workloads.toSorted(
      (a, b) => compareText(a.name, b.name) || compareText(a.document.file, b.document.file),
    );
    const conflicts = checkWorkloads(sorted);
    const broken = new Set(conflicts.filter(isError).map((it) => it.file));
    const problems: Problem[] = [...conflicts];
    const desired = new Map<Uid, Desired>();
    const blocked = new Map<Uid, BlockedResource>();
    let plain = true;
    for (const workload of sorted) {
      const prepared = preparedOf(workload, catalog);
      plain &&= isPlain(workload, prepared);
      problems.push(...prepared.problems);
      // What an environment changes of a workload may be what conflicts.
      const conflict = [workload.document.file, ...workload.overrides].find((it) => broken.has(it));
      for (const it of prepared.resources) {
        if (it.kind === "blocked") blocked.set(it.blocked.uid, it.blocked);
        else if (conflict !== undefined)
          blocked.set(it.desired.uid, conflicting(it.desired, conflict, conflicts));
        else if (it.desired.dependsOn.length === 0) merge(desired, it.desired);
        else merge(desired, fill(it, workload, outputs));
      }
    }
    for (const uid of blocked.keys()) desired.delete(uid);
    const list = [...desired.values()].toSorted((a, b) => compareText(a.uid, b.uid));
    return {
      workloads,
      catalog,
      plain: plain && problems.length === 0,
      state: {
        desired: list,
        blocked: [...blocked.values()],
        problems: problems.toSorted(byPlace),
      },
      indexOf: new Map(list.map((it, index) => [it.uid, index])),
    };
  };

  return {
    desire(workloads, catalog, outputs) {
      last =
        (last?.catalog === catalog ? patch(last, workloads, preparedOf) : undefined) ??
        desireAll(workloads, catalog, outputs);
      return last.state;
    },
  };
}

/** So few workloads that differ are worth looking at one by one; a commit rarely changes more. */
const mostPatched = 100;

/**
 * What is desired after a commit that changed a few workloads, each in itself: the same resources,
 * of the same names. 10,000 specs cost 30 ms less than working all of it out again.
 *
 * @returns `undefined` where that is not all that changed
 */
function patch(
  last: Last,
  workloads: readonly Workload[],
  preparedOf: (workload: Workload, catalog: Catalog) => PreparedWorkload,
): Last | undefined {
  if (!last.plain || workloads.length !== last.workloads.length) return undefined;
  const changed: [Workload, Workload][] = [];
  for (const [index, workload] of workloads.entries()) {
    const before = last.workloads[index];
    if (before === workload) continue;
    if (before === undefined || changed.length === mostPatched) return undefined;
    changed.push([before, workload]);
  }
  if (changed.length === 0) return last;

  const desired = [...last.state.desired];
  for (const [before, workload] of changed) {
    const prepared = preparedOf(workload, last.catalog);
    const same =
      before.name === workload.name &&
      before.identity === workload.identity &&
      before.document.file === workload.document.file &&
      before.resources.length === workload.resources.length;
    if (!same || !isPlain(workload, prepared) || prepared.problems.length > 0) return undefined;
    for (const it of prepared.resources) {
      const index = it.kind === "desired" ? last.indexOf.get(it.desired.uid) : undefined;
      if (index === undefined || it.kind === "blocked") return undefined;
      desired[index] = it.desired;
    }
  }
  return { ...last, workloads, state: { ...last.state, desired } };
}

const isPlain = (workload: Workload, { resources }: PreparedWorkload): boolean =>
  workload.resources.every((it) => it.id === undefined) &&
  resources.every((it) => it.kind === "desired" && it.desired.dependsOn.length === 0);

function conflicting(
  desired: Desired,
  file: string,
  conflicts: readonly Problem[],
): BlockedResource {
  const { uid, workload, identity, name, type, place } = desired;
  const found = conflicts.find((it) => isError(it) && it.file === file);
  const message = found === undefined ? "it conflicts with another file" : found.message;
  return { uid, workload, identity, name, type, class: desired.class, place, message };
}

/** A shared resource is asked for several times; the first that gives params is the one that counts. */
function merge(desired: Map<Uid, Desired>, it: Desired): void {
  const other = desired.get(it.uid);
  if (other === undefined) {
    desired.set(it.uid, it);
    return;
  }
  const counts = Object.keys(other.template).length === 0 && Object.keys(it.template).length > 0;
  const kept = counts ? it : other;
  const both = { protected: it.protected || other.protected, hold: it.hold || other.hold };
  desired.set(it.uid, { ...kept, ...both });
}

function prepareWorkload(workload: Workload, catalog: Catalog, scope: Scope): PreparedWorkload {
  const problems: Problem[] = [];
  const names = new Map(workload.resources.map((it) => [it.name, uidOf(workload, it)]));
  const resources = workload.resources.map((it) =>
    prepare(workload, it, names, catalog, scope, problems),
  );
  return { catalog, resources, problems };
}

function prepare(
  workload: Workload,
  request: ResourceRequest,
  names: ReadonlyMap<string, Uid>,
  catalog: Catalog,
  scope: Scope,
  problems: Problem[],
): Prepared {
  const identity: ResourceIdentity = {
    uid: uidOf(workload, request),
    workload: workload.name,
    identity: workload.identity,
    name: request.name,
    type: request.type,
    class: request.class,
  };
  const place = request.placeOf();
  const fault = (
    path: readonly string[],
    code: string,
    message: string,
    hint: string,
  ): Problem => ({
    ...request.placeOf(path),
    pointer: request.pointerOf(path),
    code,
    severity: "error",
    message,
    hint,
  });
  const block = (found: readonly Problem[]): Prepared => {
    problems.push(...found);
    const message = found.map((it) => `${it.file}:${it.line}: ${it.message}`).join("; ");
    return { kind: "blocked", blocked: { ...identity, place, message } };
  };

  const resolution = resolve(catalog, request.type, request.class);
  if (!resolution.ok) {
    const { code, message, hint } = resolution;
    return block([fault(["type"], code, message, hint)]);
  }
  const { create } = resolution.bundle.workflows;
  if (create === undefined) {
    const message = `${resolution.bundle.provider} has no create workflow for ${request.type}`;
    const hint = "ask its team to add operations.create to the capability";
    return block([fault(["type"], "provider/no-create", message, hint)]);
  }
  const { value, faults } = substitutePartly(
    request.params ?? {},
    lookupInMetadata(workload.metadata),
  );
  const template = isRecord(value) ? value : {};
  const misfits = [
    ...faults.map(({ pointer, message }) => {
      const hint = "correct the reference, or write `$${…}` for plain text";
      return fault(["params", ...pointer.split("/").slice(1)], "score/placeholder", message, hint);
    }),
    ...checkParameters({ ...identity, ...scope }, template, create).map(
      ({ parameter, message, hint }) =>
        fault(["params", parameter], "provider/parameter", message, hint),
    ),
  ];
  if (misfits.length > 0) return block(misfits);

  const desired: Desired = {
    ...identity,
    params: plain(template),
    template,
    dependsOn: namesIn(template).flatMap((name) => names.get(name) ?? []),
    bundle: resolution.bundle,
    rule: resolution.explanation,
    protected: request.protect,
    hold: request.hold,
    place,
  };
  return { kind: "desired", desired, names };
}

/** Params of which nothing has to be waited for: only escapes are left to undo. */
function plain(template: JsonRecord): JsonRecord {
  const { value } = substitute(template, () => ({ kind: "keep" }));
  return isRecord(value) ? value : template;
}

/** A wrong type or value is a problem in the spec, at the spec's line, before anything runs. */
function checkParameters(
  resource: ResourceIdentity & Scope,
  template: JsonRecord,
  workflow: Workflow,
): ReturnType<typeof bindParameters>["faults"] {
  const isUnknown = (value: Json): boolean => placeholdersIn(value).length > 0;
  const params = isUnknown(template) ? template : plain(template);
  const engine = engineInputs(resource);
  return bindParameters(workflow, { engine, params, outputs: {}, isUnknown }).faults;
}

/** Secrets stand as their references; what is not known yet stands as it was written. */
function fill(
  { desired, names }: Extract<Prepared, { kind: "desired" }>,
  workload: Workload,
  outputs: (uid: Uid) => Outputs | undefined,
): Desired {
  const lookup = lookupIn({
    metadata: workload.metadata,
    outputs: (name) => {
      const uid = names.get(name);
      const known = uid === undefined ? undefined : outputs(uid);
      return known === undefined ? undefined : { ...known.outputs, ...known.secretRefs };
    },
  });
  const { value } = substitute(desired.template, (reference) => {
    const found = lookup(reference);
    return found.kind === "fault" ? { kind: "keep" } : found;
  });
  return { ...desired, params: isRecord(value) ? value : desired.template };
}
