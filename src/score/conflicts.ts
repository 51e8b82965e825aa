/** One identity claimed twice: by two workloads, or with two meanings by two requests (Score v1b1). */
import { canonical, type JsonRecord } from "../model/json.ts";
import { byPlace, compareText, type Place, type Problem } from "../model/problem.ts";
import { uidOf, type ResourceRequest, type Workload } from "./workload.ts";

export interface Asked {
  readonly workload: Workload;
  readonly request: ResourceRequest;
}

/** What is wrong only across workloads; each of them has been read without an error. */
export function checkWorkloads(workloads: readonly Workload[]): readonly Problem[] {
  const sorted = workloads.toSorted(
    (a, b) => compareText(a.document.file, b.document.file) || a.document.index - b.document.index,
  );
  const asked = sorted.flatMap((workload) =>
    workload.resources.map((request) => ({ workload, request })),
  );
  // Between two of one workload, reading it has said so already.
  const conflicts = conflictsIn(asked, (a, b) => a.workload !== b.workload);
  return [...sameIdentity(sorted), ...conflicts].toSorted(byPlace);
}

function sameIdentity(workloads: readonly Workload[]): Problem[] {
  const names = new Map<string, Workload>();
  const identities = new Map<string, Workload>();
  return workloads.flatMap((workload): Problem[] => {
    const { name, identity } = workload;
    const named = names.get(name);
    const same = identities.get(identity);
    names.set(name, named ?? workload);
    identities.set(identity, same ?? workload);
    if (named !== undefined) {
      const message = `the workload name \`${name}\` is used already, at ${show(named.placeOf())}`;
      const hint = "give one of them another name";
      return [error(workload.placeOf(), "/metadata/name", "duplicate-workload", message, hint)];
    }
    if (same === undefined) return [];
    const message = `the workload \`${name}\` has the identity \`${identity}\`, as has \`${same.name}\` at ${show(same.placeOf())}`;
    const hint = "check the annotation `innominatus.dev/id` of both";
    return [error(workload.placeOf(), "/metadata/name", "duplicate-identity", message, hint)];
  });
}

/** Of requests with one uid, each is compared with the first that says something. */
export function conflictsIn(
  asked: readonly Asked[],
  counts: (a: Asked, b: Asked) => boolean = () => true,
): Problem[] {
  // Two can only meet where at least one has an id: most repositories share little.
  const named = asked.filter((it) => it.request.id !== undefined);
  const groups = new Map<string, Asked[]>(named.map((it) => [uidOf(it.workload, it.request), []]));
  if (groups.size === 0) return [];
  for (const it of asked) groups.get(uidOf(it.workload, it.request))?.push(it);
  return [...groups].flatMap(([uid, group]) =>
    group.length < 2
      ? []
      : [
          ...differing(uid, group, "params", counts),
          ...differing(uid, group, "metadata", counts),
          ...colliding(uid, group, counts),
        ],
  );
}

function differing(
  uid: string,
  group: readonly Asked[],
  field: "params" | "metadata",
  counts: (a: Asked, b: Asked) => boolean,
): Problem[] {
  const said = group.filter((it) => it.request[field] !== undefined);
  const [first, ...others] = said;
  if (first === undefined) return [];
  const expected = canonical(comparable(first.request, field));
  return others.flatMap((other) => {
    if (!counts(first, other) || canonical(comparable(other.request, field)) === expected)
      return [];
    const message = `\`${uid}\` has other ${field} here than at ${show(first.request.placeOf([field]))}`;
    const hint = `make them equal, leave \`${field}\` out in all but one, or use another \`id\``;
    const place = other.request.placeOf([field]);
    const pointer = other.request.pointerOf([field]);
    return [error(place, pointer, `conflicting-${field}`, message, hint)];
  });
}

const comparable = (request: ResourceRequest, field: "params" | "metadata"): JsonRecord =>
  request[field] ?? {};

/** `id: web.db` in one place, and the private resource `db` of the workload `web` in another. */
function colliding(
  uid: string,
  group: readonly Asked[],
  counts: (a: Asked, b: Asked) => boolean,
): Problem[] {
  const owner = group.find((it) => it.request.id === undefined);
  if (owner === undefined) return [];
  return group.flatMap((it): Problem[] => {
    if (it.request.id === undefined || !counts(owner, it)) return [];
    const { name } = owner.request;
    const message = `the id \`${it.request.id}\` makes this \`${uid}\`, the private resource \`${name}\` of the workload \`${owner.workload.name}\` at ${show(owner.request.placeOf())}`;
    const hint = "to share it, give both the same `id`; otherwise use another one";
    const at = it.request.placeOf(["id"]);
    const problem = error(at, it.request.pointerOf(["id"]), "uid-collision", message, hint);
    return [{ ...problem, severity: "warning" }];
  });
}

const error = (
  place: Place,
  pointer: string,
  code: string,
  message: string,
  hint: string,
): Problem => ({ ...place, pointer, code: `score/${code}`, severity: "error", message, hint });

const show = ({ file, line }: Place): string => `${file}:${line}`;
