/** `innominatus events --resend ID…`: what the audit sink refused is sent once more, since a person says so. */
import type { Scope } from "../../model/uid.ts";
import type { Database } from "../../store/database.ts";
import { appendEvents } from "../../store/events.ts";
import { quarantinedIds, resendQuarantined } from "../../store/outbox.ts";
import type { CommandContext } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { withStore } from "../session.ts";
import { actorOf } from "./decisions.ts";
import { nowhere, type EventsFlags } from "./events.ts";
import { chosen } from "./records.ts";

export async function runResend(
  context: CommandContext,
  flags: EventsFlags & { readonly resend: readonly string[] },
): Promise<number> {
  const decided = { actor: actorOf(context, flags), reason: flags.reason ?? "" };
  const nowMs = context.clock.now().getTime();
  const count = await withStore(context, flags, async (db, scopes) => {
    const isAll = [flags.repo, flags.environment].every((it) => it === undefined);
    const found = new Map<string, Scope>();
    for (const given of flags.resend) {
      const { id, scope } = await theEvent(
        db,
        [...chosen(scopes, flags), ...(isAll ? [nowhere] : [])],
        given,
      );
      found.set(id, scope);
    }
    return db.transaction(async (tx) => {
      const resent = await resendQuarantined(tx, [...found.keys()]);
      const facts = resent.map(({ id, type, problem, uid, run, commit, correlation }) => ({
        ...(found.get(id) ?? nowhere),
        type: "EventResent",
        actor: decided.actor,
        ...(uid === null ? {} : { uid }),
        ...(run === null ? {} : { run }),
        ...(commit === null ? {} : { commit }),
        ...(correlation === null ? {} : { correlation }),
        data: { event: id, name: type, refused: problem, reason: decided.reason },
      }));
      await appendEvents(tx, facts, nowMs);
      return resent.length;
    });
  });
  const what = count === 1 ? "1 event is" : `${count} events are`;
  context.stdout.write(`${what} sent again, by whichever controller delivers the audit trail\n`);
  return 0;
}

/** As short an end of an id as this fits too many events by chance. */
const shortest = 8;

async function theEvent(
  db: Database,
  scopes: readonly Scope[],
  given: string,
): Promise<{ readonly id: string; readonly scope: Scope }> {
  const found: { readonly id: string; readonly scope: Scope }[] = [];
  if (given.length >= shortest) {
    for (const scope of scopes) {
      for (const id of await quarantinedIds(db, scope, given)) found.push({ id, scope });
    }
  }
  const [one, second] = found;
  if (one !== undefined && second === undefined) return one;
  throw one === undefined
    ? new CommandError(
        `no event that the audit sink refused has an id that ends with ${given}`,
        "--resend",
        `give ${shortest} characters or more; \`innominatus events --undelivered\` lists them`,
      )
    : new CommandError(
        `"${given}" is several events`,
        found.map((it) => it.id).join(", "),
        "give the whole id",
      );
}
