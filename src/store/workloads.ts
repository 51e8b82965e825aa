/** Workloads of an environment: which file asked for them, and their conditions as last published. */
import { z } from "zod";
import type { Condition } from "../model/condition.ts";
import type { Scope } from "../model/uid.ts";
import type { Queryable } from "./database.ts";

const condition: z.ZodType<Condition> = z.object({
  type: z.enum(["Ready", "Reconciling", "Stalled"]),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  observedCommit: z.string(),
  lastTransitionTime: z.string(),
});

const row = z.object({
  identity: z.string(),
  name: z.string(),
  file: z.string(),
  commit: z.string(),
  conditions: z.array(condition),
});

export type WorkloadRecord = Readonly<z.output<typeof row>>;

export async function listWorkloads(
  db: Queryable,
  { repository, environment }: Scope,
): Promise<WorkloadRecord[]> {
  const { rows } = await db.query(
    `select identity, name, file, commit, conditions from workloads
     where repository = $1 and environment = $2 order by name`,
    [repository, environment],
  );
  return rows.map((it) => row.parse(it));
}

export async function saveWorkloads(
  tx: Queryable,
  { repository, environment }: Scope,
  workloads: readonly Pick<WorkloadRecord, "identity" | "name" | "file" | "commit">[],
): Promise<void> {
  if (workloads.length === 0) return;
  await tx.query(
    `insert into workloads as w (repository, environment, identity, name, file, commit)
     select $1, $2, identity, name, file, commit
     from jsonb_to_recordset($3) as n(identity text, name text, file text, commit text)
     on conflict (repository, environment, identity) do update
       set name = excluded.name, file = excluded.file`,
    [repository, environment, JSON.stringify(workloads)],
  );
}

export async function saveConditions(
  tx: Queryable,
  { repository, environment }: Scope,
  identity: string,
  conditions: readonly Condition[],
): Promise<void> {
  await tx.query(
    `update workloads set conditions = $4 where repository = $1 and environment = $2 and identity = $3`,
    [repository, environment, identity, JSON.stringify(conditions)],
  );
}

export async function removeWorkloads(
  tx: Queryable,
  { repository, environment }: Scope,
  identities: readonly string[],
): Promise<void> {
  if (identities.length === 0) return;
  await tx.query(
    `delete from workloads where repository = $1 and environment = $2
       and identity in (select jsonb_array_elements_text($3))`,
    [repository, environment, JSON.stringify(identities)],
  );
}
