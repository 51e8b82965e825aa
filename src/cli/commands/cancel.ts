/** `innominatus cancel RUN`: what a person ends early, at a safe point, on the audit trail. */
import { cancelRun } from "../../store/cancels.ts";
import type { CommandContext } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { withStore } from "../session.ts";
import { actorOf, type DecisionFlags } from "./decisions.ts";
import { theRun } from "./logs.ts";

export async function runCancel(
  context: CommandContext,
  id: string,
  flags: DecisionFlags,
): Promise<number> {
  const by = { actor: actorOf(context, flags), reason: flags.reason ?? "" };
  await withStore(context, flags, async (db) => {
    const run = await theRun(db, id);
    const nowMs = context.clock.now().getTime();
    const outcome = await db.transaction((tx) => cancelRun(tx, run.id, by, nowMs));
    if (outcome === "over") {
      const next = `see \`innominatus why ${run.uid}\``;
      throw new CommandError(`run ${run.id} has ended, or is ending already`, id, next);
    }
    const how =
      outcome === "ended"
        ? "is cancelled: it had not begun"
        : "ends at its next safe point: the end of its current step, or the cleanup of what it waits for";
    context.stdout.write(
      `run ${run.id} ${how}\n${run.uid} is left as it is until its spec changes, or \`innominatus retry\`\n`,
    );
  });
  return 0;
}
