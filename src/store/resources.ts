/** Recorded resources: read whole or since a snapshot, and told what git wants of them. */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import { gateKinds, type Gate } from "../model/plan.ts";
import type { Place } from "../model/problem.ts";
import { phases, type Recorded, type Removal, type ResourceIdentity } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import { forgetFailures } from "./backoffs.ts";
import { bundleReader } from "./bundles.ts";
import type { Queryable } from "./database.ts";
import { jsonRecord, maybeTime, place, strings, time, uid, uids } from "./rows.ts";

const row = z.object({
  uid,
  workload: z.string(),
  identity: z.string(),
  name: z.string(),
  type: z.string(),
  class: z.string(),
  phase: z.enum(phases).exclude(["held"]),
  gate: z
    .object({ kind: z.enum(gateKinds), message: z.string(), until: z.string().exactOptional() })
    .nullable(),
  touched: z.boolean(),
  params: jsonRecord,
  template: jsonRecord,
  depends_on: uids,
  bundle: z.string(),
  outputs: jsonRecord,
  secret_refs: strings,
  revision: z.number(),
  wanted: z.boolean(),
  removal: z.object({ commit: z.string(), base: z.string() }).nullable(),
  delete_after: maybeTime,
  protected: z.boolean(),
  commit: z.string(),
  place,
  since: time,
  reason: z.string(),
  message: z.string(),
  attempted: z
    .object({ operation: z.enum(["create", "update", "delete"]), hash: z.string() })
    .nullable(),
  failures: z.number(),
  next_attempt_at: maybeTime,
  stalled: z.boolean(),
  operation: z.enum(["create", "update", "delete"]).nullable(),
  run: z.string().nullable(),
  credentials_secret: z.string().nullable(),
});

const columns = `uid, workload, identity, name, type, class, phase, gate, touched, params, template,
  depends_on, bundle, outputs, secret_refs, revision, wanted, removal, delete_after, protected,
  commit, place, since, reason, message, attempted, failures, next_attempt_at, stalled, operation, run,
  credentials_secret`;

async function toRecorded(db: Queryable, rows: readonly unknown[]): Promise<Recorded[]> {
  const found = rows.map((it) => row.parse(it));
  const bundleOf = await bundleReader(
    db,
    found.map((it) => it.bundle),
  );
  return found.map((it) => ({
    uid: it.uid,
    workload: it.workload,
    identity: it.identity,
    name: it.name,
    type: it.type,
    class: it.class,
    phase: it.phase,
    gate: it.gate,
    touched: it.touched,
    params: it.params,
    template: it.template,
    dependsOn: it.depends_on,
    bundle: bundleOf(it.bundle),
    outputs: it.outputs,
    secretRefs: it.secret_refs,
    ...(it.credentials_secret === null ? {} : { credentialsSecret: it.credentials_secret }),
    revision: it.revision,
    wanted: it.wanted,
    removal: it.removal,
    deleteAfter: it.delete_after,
    protected: it.protected,
    commit: it.commit,
    place: it.place,
    since: it.since,
    reason: it.reason,
    message: it.message,
    attempted: it.attempted,
    failures: it.failures,
    nextAttemptAt: it.next_attempt_at,
    stalled: it.stalled,
    operation: it.operation,
    run: it.run,
  }));
}

/** All resources of an environment, the deleted among them, sorted by uid. */
export async function listResources(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<Recorded[]> {
  const { rows } = await db.query(
    `select ${columns} from resources where repository = $1 and environment = $2 order by uid`,
    [repository, environment],
  );
  return toRecorded(db, rows);
}

export async function readResource(
  db: Queryable,
  { repository, environment }: Scope,
  resource: Uid,
): Promise<Recorded | undefined> {
  const { rows } = await db.query(
    `select ${columns} from resources where repository = $1 and environment = $2 and uid = $3`,
    [repository, environment, resource],
  );
  return (await toRecorded(db, rows))[0];
}

const horizon = z.object({ xmin: z.string() });

/**
 * What was written since `snapshot`, and the snapshot to ask from next time. A transaction that was
 * open then is asked for again, so nothing that commits late is missed; a row may come twice.
 */
export async function resourcesSince(
  db: Queryable,
  { repository, environment }: Scope,
  snapshot: string | undefined,
): Promise<{ readonly changed: Recorded[]; readonly snapshot: string }> {
  // Taken before the rows are read: what commits in between is seen next time as well.
  const { rows: now } = await db.query(
    `select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`,
  );
  const { rows } = await db.query(
    `select ${columns} from resources
     where repository = $1 and environment = $2 and changed_in >= $3::text::xid8`,
    [repository, environment, snapshot ?? "0"],
  );
  const changed = await toRecorded(db, rows);
  return { changed, snapshot: horizon.parse(now[0]).xmin };
}

/** What git wants of a resource now; nothing in it says what was done about it. */
export interface Wish extends ResourceIdentity {
  readonly gate: Gate | null;
  readonly params: JsonRecord;
  readonly template: JsonRecord;
  readonly dependsOn: readonly Uid[];
  readonly bundle: string;
  readonly wanted: boolean;
  readonly removal: Removal | null;
  /** Starts with the first wish that has a removal, and is not moved by later ones. */
  readonly graceMs: number;
  readonly protected: boolean;
  readonly commit: string;
  readonly place: Place;
}

/**
 * Records wishes. Identity, params, bundle and commit of a resource that some run has touched stay as the
 * last run left them; one that was deleted and is wanted again begins anew.
 */
export async function saveWishes(
  tx: Queryable,
  { repository, environment }: Scope,
  wishes: readonly Wish[],
): Promise<void> {
  if (wishes.length === 0) return;
  await tx.query(
    `insert into resources as r (repository, environment, uid, workload, identity, name, type, class,
       phase, gate, params, template, depends_on, bundle, wanted, removal, delete_after, protected,
       commit, place)
     select $1, $2, w.uid, w.workload, w.identity, w.name, w.type, w.class,
       'requested', nullif(w.gate, 'null'), w.params, w.template, w."dependsOn", w.bundle, w.wanted,
       nullif(w.removal, 'null'),
       case when nullif(w.removal, 'null') is not null
            then store_now() + w."graceMs" * interval '1 ms' end,
       w.protected, w.commit, w.place
     from jsonb_to_recordset($3) as w(uid text, workload text, identity text, name text, type text,
       class text, gate jsonb, params jsonb, template jsonb, "dependsOn" jsonb, bundle text,
       wanted boolean, removal jsonb, "graceMs" double precision, protected boolean, commit text,
       place jsonb)
     on conflict (repository, environment, uid) do update set
       workload = excluded.workload, gate = excluded.gate,
       wanted = excluded.wanted, removal = excluded.removal,
       delete_after = case when excluded.removal is null then null
                           else coalesce(r.delete_after, excluded.delete_after) end,
       protected = excluded.protected, place = excluded.place, changed_in = pg_current_xact_id(),
       identity = case when ${fresh} then excluded.identity else r.identity end,
       name = case when ${fresh} then excluded.name else r.name end,
       params = case when ${fresh} then excluded.params else r.params end,
       template = case when ${fresh} then excluded.template else r.template end,
       depends_on = case when ${fresh} then excluded.depends_on else r.depends_on end,
       bundle = case when ${fresh} then excluded.bundle else r.bundle end,
       commit = case when ${fresh} then excluded.commit else r.commit end,
       phase = case when ${again} then 'requested' else r.phase end,
       since = case when ${again} then store_now() else r.since end,
       reason = case when ${again} then '' else r.reason end,
       message = case when ${again} then '' else r.message end,
       touched = case when ${again} then false else r.touched end,
       revision = case when ${again} then 0 else r.revision end,
       deleted_at = case when ${again} then null else r.deleted_at end`,
    [repository, environment, JSON.stringify(wishes)],
  );
}

const again = `r.phase = 'deleted' and excluded.wanted`;
const fresh = `(not r.touched or ${again})`;

/** Forgets wishes that were taken back before any run had begun for them. */
export async function forgetUntouched(
  tx: Queryable,
  { repository, environment }: Scope,
  resources: readonly Uid[],
): Promise<void> {
  await tx.query(
    `delete from resources where repository = $1 and environment = $2 and not touched
       and uid in (select jsonb_array_elements_text($3))`,
    [repository, environment, JSON.stringify(resources)],
  );
}

/**
 * Takes back what failures led to, so that the next pass tries again (E14).
 *
 * @param what one resource or all of the environment; with `stalled`, those too that only a person
 *   starts again
 * @returns the resources that will be tried again
 */
export async function resetFailures(
  tx: Queryable,
  { repository, environment }: Scope,
  what: { readonly uid?: Uid; readonly stalled: boolean },
): Promise<readonly Uid[]> {
  const { rows } = await tx.query(
    `update resources set next_attempt_at = store_now(), changed_in = pg_current_xact_id(),
       failures = case when $4 then 0 else failures end, stalled = false
     where repository = $1 and environment = $2 and ($3::text is null or uid = $3)
       and (phase = 'failed' and next_attempt_at is not null or stalled and $4)
     returning uid`,
    [repository, environment, what.uid ?? null, what.stalled],
  );
  const reset = rows.map((it) => uidRow.parse(it).uid);
  await forgetFailures(tx, { repository, environment }, reset);
  return reset;
}

const uidRow = z.object({ uid });
