/** `innominatus approve`, `retry` and `abandon`: what a person decides, each on the audit trail. */
import { memoryPrefix } from "../../execute/steps/secret.ts";
import type { Scope } from "../../model/uid.ts";
import { approvePlan } from "../../store/approvals.ts";
import type { Database } from "../../store/database.ts";
import { readEnvironment } from "../../store/environments.ts";
import { appendEvents } from "../../store/events.ts";
import { abandonResource } from "../../store/outcomes.ts";
import { resetFailures } from "../../store/resources.ts";
import { openRuns } from "../../store/runs.ts";
import { memoryRows, secretRows } from "../../store/secrets.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { withStore } from "../session.ts";
import { chosen, theResource } from "./records.ts";

export interface DecisionFlags extends GlobalOptions {
  readonly environment?: string;
  readonly reason?: string;
  readonly as?: string;
}

/** A prefix of eight characters or more will do. */
export async function runApprove(
  context: CommandContext,
  plan: string,
  flags: DecisionFlags,
): Promise<number> {
  const approver = actorOf(context, flags);
  const reason = flags.reason ?? "";
  await withStore(context, flags, async (db, scopes) => {
    const { scope, hash, commit } = await currentPlan(db, chosen(scopes, flags), plan);
    await db.transaction(async (tx) => {
      await approvePlan(tx, scope, { plan: hash, approver, reason });
      const data = { plan: hash, reason };
      const fact = { ...scope, type: "PlanApproved", actor: approver, correlation: hash, data };
      await appendEvents(tx, [{ ...fact, commit }], context.clock.now().getTime());
      await tx.query(`select pg_notify('innominatus', 'approved')`);
    });
    context.stdout.write(
      `approved ${hash} for ${scope.environment}: it counts for exactly this plan, and the next pass carries it out\n`,
    );
  });
  return 0;
}

async function currentPlan(
  db: Database,
  scopes: readonly Scope[],
  given: string,
): Promise<{ readonly scope: Scope; readonly hash: string; readonly commit: string }> {
  const current: string[] = [];
  for (const scope of scopes) {
    const environment = await readEnvironment(db, scope);
    const { planHash: hash = null, observedCommit: commit = null } = environment ?? {};
    if (hash === null || commit === null) continue;
    if (given.length >= 8 && hash.startsWith(given)) return { scope, hash, commit };
    current.push(`${scope.environment}: ${hash}`);
  }
  throw new CommandError(
    `${given} is not the current plan, so approving it would change nothing`,
    "PLAN",
    current.length === 0
      ? "run `innominatus sync` first"
      : `look at \`innominatus plan\` again, then approve its hash; now they are\n${current.join("\n")}`,
  );
}

export async function runRetry(
  context: CommandContext,
  given: string,
  flags: DecisionFlags,
): Promise<number> {
  await withStore(context, flags, async (db, scopes) => {
    const { scope, resource } = await theResource(db, chosen(scopes, flags), given);
    const { uid } = resource;
    const again = await db.transaction(async (tx) => {
      const found = await resetFailures(tx, scope, { uid, stalled: true });
      if (found.length > 0) {
        const data = { reason: flags.reason ?? "" };
        const fact = { ...scope, type: "BlockCleared", actor: actorOf(context, flags), uid, data };
        await appendEvents(tx, [fact], context.clock.now().getTime());
        await tx.query(`select pg_notify('innominatus', 'retry')`);
      }
      return found.length > 0;
    });
    if (!again) {
      const next = `see \`innominatus why ${uid}\``;
      throw new CommandError(`${uid} has not failed: there is nothing to retry`, uid, next);
    }
    context.stdout.write(`${uid} is tried again with the next pass\n`);
  });
  return 0;
}

/** The last resort of law 2. */
export async function runAbandon(
  context: CommandContext,
  given: string,
  flags: DecisionFlags,
): Promise<number> {
  const { reason } = flags;
  if (reason === undefined || reason.trim() === "") {
    const next = "add --reason: it is kept on the audit trail";
    throw new CommandError("abandoning a resource needs a reason", "--reason", next);
  }
  await withStore(context, flags, async (db, scopes) => {
    const { scope, resource } = await theResource(db, chosen(scopes, flags), given);
    const { uid } = resource;
    const open = await openRuns(db, scope);
    if (open.some((it) => it.uid === uid && it.state !== "queued")) {
      throw new CommandError(`a run for ${uid} is under way`, uid, "wait for its end");
    }
    await db.transaction(async (tx) => {
      await abandonResource(tx, scope, uid, reason);
      const secrets = secretRows(tx);
      for (const key of await secrets.keys(scope, uid))
        await secrets.remove({ ...scope, uid, key });
      await memoryRows(tx).forget(memoryPrefix(scope, uid));
      const data = { reason, phase: resource.phase, outputs: resource.outputs };
      const fact = {
        ...scope,
        type: "ResourceAbandoned",
        actor: actorOf(context, flags),
        uid,
        data,
      };
      await appendEvents(tx, [fact], context.clock.now().getTime());
    });
    context.stdout.write(
      `${uid} is forgotten; the thing itself was left alone, and is yours to remove\n`,
    );
  });
  return 0;
}

export const actorOf = ({ env }: CommandContext, flags: Pick<DecisionFlags, "as">): string =>
  flags.as ?? env["INNOMINATUS_USER"] ?? env["USER"] ?? env["LOGNAME"] ?? "unknown";
