/**
 * The rows that keep two runs off one target (E2): free, held by a run until it ends, or cooling
 * until a moment. What arms a cooldown, and who may not follow whom, is in the row itself.
 */
import { z } from "zod";
import type { JsonRecord } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import type { Queryable } from "./database.ts";
import { appendEvents, type Fact } from "./events.ts";
import { maybeTime, uid } from "./rows.ts";

/** SQL for the key of a target's lock: the whole digest of its name, in hex. */
export const lockOf = (target: string): string =>
  `encode(sha256(convert_to(${target}, 'UTF8')), 'hex')`;

/** How long nothing else runs on a target after a run that had effect. */
export interface Cooldowns {
  readonly resourcesMs: number;
  /** Of targets that workflows declare. */
  readonly targetsMs: number;
  /** By a target's name, in place of the two above. */
  readonly byTargetMs: { readonly [target: string]: number };
}

export const cooldownOf = (
  cooldowns: Cooldowns,
  { target, declared }: { readonly target: string; readonly declared: boolean },
): number =>
  cooldowns.byTargetMs[target] ?? (declared ? cooldowns.targetsMs : cooldowns.resourcesMs);

/** Gives every lock the cooldown that is set now: the end of one that is running moves (E11). */
export async function applyCooldowns(db: Queryable, cooldowns: Cooldowns): Promise<void> {
  await db.query(
    `update locks l set cooldown_ms = n.ms, until = l.completed_at + n.ms * interval '1 ms'
     from (select key, coalesce(($3::jsonb ->> target)::bigint,
         case when declared then $2::bigint else $1::bigint end) as ms from locks) n
     where n.key = l.key and l.cooldown_ms <> n.ms`,
    [cooldowns.resourcesMs, cooldowns.targetsMs, JSON.stringify(cooldowns.byTargetMs)],
  );
}

const releasedRow = z.object({
  target: z.string(),
  key: z.string(),
  run: z.string().nullable(),
  repository: z.string().nullable(),
  environment: z.string().nullable(),
  uid: uid.nullable(),
  commit: z.string().nullable(),
  plan: z.string().nullable(),
});

/**
 * Frees the locks whose cooldown is over, and says so once each (E12).
 *
 * @param key that one lock only, whatever is left of its cooldown: a deletion does not wait (E11)
 * @returns how many
 */
export async function releaseCooled(tx: Queryable, nowMs: number, key?: string): Promise<number> {
  const { rows } = await tx.query(
    `with released as (
       update locks set state = 'free', since = store_now(), until = null
       where state = 'cooling' and case when $1::text is null then until <= store_now() else key = $1 end
       returning target, key, last_run)
     select l.target, l.key, r.id as run, r.repository, r.environment, r.uid, r.commit, r.plan
     from released l left join runs r on r.id = l.last_run`,
    [key ?? null],
  );
  const released = rows.map((it) => releasedRow.parse(it));
  const facts = released.flatMap(({ target, key: digest, run, uid: of, plan, ...it }): Fact[] =>
    it.repository === null || it.environment === null || run === null || of === null
      ? []
      : [
          {
            repository: it.repository,
            environment: it.environment,
            type: "LockReleased",
            actor: "innominatus",
            uid: of,
            run,
            commit: it.commit ?? "",
            correlation: plan ?? "",
            data: { target, lock: nameOf(digest), after: "cooldown" },
          },
        ],
  );
  await appendEvents(tx, facts, nowMs);
  return released.length;
}

/**
 * SQL that ends the hold of exactly this claim (E5), after `ended`, a row of the run with its `lock`
 * and whether it had `effect`: what had none arms no cooldown (E9). The cooldown counts from when
 * the last step with effect ended, which may be the engine's time.
 *
 * @param of parameters, like `$1`; `blocks`: it failed in a way that nothing else may follow on this
 *   target, until somebody has looked
 */
export const releaseLock = (of: {
  readonly run: string;
  readonly token: string;
  readonly blocks: string;
}): string => `update locks l set run = null, last_run = ${of.run}, since = store_now(), completed_at = c.at,
       state = case when c.until > store_now() then 'cooling' else 'free' end,
       until = case when c.until > store_now() then c.until end,
       blocked_by = case when ${of.blocks} then ${of.run} end
     from (select k.key, e.at, case when n.effect then e.at + k.cooldown_ms * interval '1 ms' end as until
           from ended n join locks k on k.key = n.lock
             cross join (select least(store_now(), coalesce(max(ended_at), store_now())) as at
               from steps where run = ${of.run} and effect) e) c
     where l.key = c.key and l.run = ${of.run} and l.token = ${of.token}
     returning l.key, l.state, l.until, l.completed_at`;

const releasedLockRow = z.object({
  key: z.string().nullable(),
  state: z.enum(["free", "cooling"]).nullable(),
  until: maybeTime,
  completed_at: maybeTime,
});

/**
 * @param row of what `releaseLock` returned
 * @returns what to say about it; nothing where the claim holds it no longer
 */
export function releasedOf(
  claim: Claim,
  row: unknown,
): readonly { readonly type: string; readonly data: JsonRecord }[] {
  const { key, state, until, completed_at: completedAt } = releasedLockRow.parse(row);
  if (key === null) return [];
  const data = { target: claim.target, lock: nameOf(key) };
  return state === "free"
    ? [{ type: "LockReleased", data }]
    : [{ type: "CooldownActive", data: { ...data, completedAt, until } }];
}

/** What may follow on a target again: its resource was looked at, or is forgotten. */
export async function clearBlock(
  tx: Queryable,
  { repository, environment, uid: of }: Pick<Claim, "repository" | "environment" | "uid">,
): Promise<void> {
  await tx.query(
    `update locks set blocked_by = null where blocked_by in (
       select id from runs where repository = $1 and environment = $2 and uid = $3)`,
    [repository, environment, of],
  );
}

const nameOf = (key: string): string => `wfe-${key.slice(0, 16)}`;
