/** Pages of recorded resources over all environments, in an order that no write changes. */
import { z } from "zod";
import { gateKinds } from "../model/plan.ts";
import { phases } from "../model/resource.ts";
import type { Queryable } from "./database.ts";
import { jsonRecord, maybeTime, place, strings, time, uid, uids } from "./rows.ts";

const row = z
  .object({
    id: z.string(),
    repository: z.string(),
    environment: z.string(),
    uid,
    workload: z.string(),
    name: z.string(),
    type: z.string(),
    class: z.string(),
    phase: z.enum(phases).exclude(["held"]),
    gate: z
      .object({ kind: z.enum(gateKinds), message: z.string(), until: z.string().exactOptional() })
      .nullable(),
    params: jsonRecord,
    depends_on: uids,
    provider: z.string(),
    version: z.string(),
    outputs: jsonRecord,
    secret_refs: strings,
    protected: z.boolean(),
    commit: z.string(),
    place,
    since: time,
    reason: z.string(),
    message: z.string(),
    failures: z.number(),
    next_attempt_at: maybeTime,
    stalled: z.boolean(),
    operation: z.enum(["create", "update", "delete"]).nullable(),
    run: z.string().nullable(),
    created_at: time,
  })
  .transform(({ depends_on, secret_refs, next_attempt_at, created_at, ...it }) => ({
    ...it,
    dependsOn: depends_on,
    secretRefs: secret_refs,
    nextAttemptAt: next_attempt_at,
    createdAt: created_at,
  }));

export type ListedResource = Readonly<z.output<typeof row>>;

const columns = `r.id, r.repository, r.environment, r.uid, r.workload, r.name, r.type, r.class, r.phase,
  r.gate, r.params, r.depends_on, b.provider, b.version, r.outputs, r.secret_refs, r.protected, r.commit, r.place,
  r.since, r.reason, r.message, r.failures, r.next_attempt_at, r.stalled, r.operation, r.run,
  r.created_at`;

/** Where a page ended; the next one begins after it. */
export interface ResourceKey {
  readonly repository: string;
  readonly environment: string;
  readonly uid: string;
}

export interface ResourceFilter {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
  readonly workload?: string | undefined;
  readonly type?: string | undefined;
  /** `held` is a gate on one that is not deleted. */
  readonly phase?: string | undefined;
  readonly provider?: string | undefined;
  /** Patterns of workloads' names as `like` has them; `null`: all. */
  readonly workloads: readonly string[] | null;
  /** Deleted ones are left out where neither a phase nor this asks for them. */
  readonly deleted?: boolean;
}

export async function pageOfResources(
  db: Queryable,
  filter: ResourceFilter,
  after: ResourceKey | undefined,
  limit: number,
): Promise<ListedResource[]> {
  const { rows } = await db.query(
    `select ${columns} from resources r join bundles b on b.hash = r.bundle
     where ($1::text is null or r.repository = $1) and ($2::text is null or r.environment = $2)
       and ($3::text is null or r.workload = $3) and ($4::text is null or r.type = $4)
       and case when $5::text = 'held' then r.gate is not null and r.phase <> 'deleted'
                when $5 is null then r.phase <> 'deleted' or $12
                else r.phase = $5 end
       and ($6::text is null or b.provider = $6)
       and ($7::text[] is null or r.workload like any ($7))
       and ($8::text is null or (r.repository, r.environment, r.uid) > ($8, $9, $10))
     order by r.repository, r.environment, r.uid limit $11`,
    [
      filter.repository,
      filter.environment,
      filter.workload,
      filter.type,
      filter.phase,
      filter.provider,
      filter.workloads,
      after?.repository,
      after?.environment,
      after?.uid,
      limit,
      filter.deleted ?? false,
    ],
  );
  return rows.map((it) => row.parse(it));
}

/**
 * By id, by uid, or by what comes after the uid's `#`: two at most, the standing ones first. The first
 * condition finds them by index, the second says which of those are meant.
 */
export async function findResources(
  db: Queryable,
  given: string,
  workloads: readonly string[] | null,
): Promise<ListedResource[]> {
  const { rows } = await db.query(
    `select ${columns} from resources r join bundles b on b.hash = r.bundle
     where (r.id = $1 or substr(r.uid, position('#' in r.uid) + 1) in ($1, $3))
       and (r.id = $1 or r.uid = $1 or substr(r.uid, position('#' in r.uid) + 1) = $1)
       and ($2::text[] is null or r.workload like any ($2))
     order by r.id = $1 desc, r.phase = 'deleted', r.repository, r.environment, r.uid limit 2`,
    [given, workloads, given.slice(given.indexOf("#") + 1)],
  );
  return rows.map((it) => row.parse(it));
}
