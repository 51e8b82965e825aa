/** `innominatus events`: the audit trail, as it is delivered to a sink, by either name of an event. */
import { createHints } from "../../controller/hints.ts";
import { namesOf } from "../../model/audit.ts";
import type { Clock } from "../../model/clock.ts";
import type { Scope } from "../../model/uid.ts";
import { parseDuration } from "../../provider/duration.ts";
import type { Database } from "../../store/database.ts";
import { listEvents, type EventFilter, type RecordedEvent } from "../../store/events.ts";
import type { CommandContext } from "../context.ts";
import { eventLine, eventListing } from "../output/events.ts";
import { CommandError } from "../output/failure.ts";
import { withStore } from "../session.ts";
import { chosen, collect, findResource, limitOf, print, type RunsFlags } from "./records.ts";

export interface EventsFlags extends RunsFlags {
  readonly run?: string;
  readonly type?: string;
  readonly since?: string;
  readonly undelivered?: boolean;
  readonly follow?: boolean;
  /** Ids, or their ends: `runResend`. */
  readonly resend?: readonly string[];
  readonly reason?: string;
  readonly as?: string;
}

export async function runEvents(
  context: CommandContext,
  resource: string | undefined,
  flags: EventsFlags,
): Promise<number> {
  const { clock, stop, stdout } = context;
  const asked = filterOf(flags, clock.now());
  return withStore(context, flags, async (db, scopes) => {
    const wanted: Wanted[] = [];
    const isAll = [resource, flags.repo, flags.environment].every((it) => it === undefined);
    for (const scope of [...chosen(scopes, flags), ...(isAll ? [nowhere] : [])]) {
      if (resource === undefined) wanted.push({ scope, filter: asked });
      else {
        const found = await findResource(db, [scope], resource);
        if (found !== undefined) {
          wanted.push({ scope, filter: { ...asked, uid: found.resource.uid } });
        }
      }
    }
    if (flags.follow !== true) {
      const rows = await collect(wanted, ({ scope, filter }) => listEvents(db, scope, filter));
      return print(context, eventListing, rows, flags);
    }
    const write = (event: RecordedEvent): void => stdout.write(eventLine(event, flags.output));
    await followEvents({ db, clock }, wanted, write, stop);
    return 0;
  });
}

/** What is of no repository: logins, say. */
export const nowhere: Scope = { repository: "", environment: "" };

interface Wanted {
  readonly scope: Scope;
  readonly filter: EventFilter;
}

const pollMs = 1_000;
const atOnce = 1_000;

/** Oldest first, those that are there and those to come, until `stop` is aborted. */
export async function followEvents(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  wanted: readonly Wanted[],
  write: (event: RecordedEvent) => void,
  stop: AbortSignal,
): Promise<void> {
  const hints = createHints();
  const stopListening = await db.listen("innominatus", () => hints.give());
  const lasts = new Map<Wanted, string>();
  try {
    while (!stop.aborted) {
      const seen = hints.count();
      for (const it of wanted) {
        const last = lasts.get(it);
        const filter =
          last === undefined ? it.filter : { ...it.filter, after: last, limit: atOnce };
        const events = await listEvents(db, it.scope, filter);
        for (const event of events.toReversed()) write(event);
        const [newest] = events;
        if (newest !== undefined) lasts.set(it, newest.id);
      }
      await hints.wait(seen, pollMs, clock, stop);
    }
  } finally {
    await stopListening();
  }
}

/** @throws {CommandError} */
function filterOf(flags: EventsFlags, now: Date): EventFilter {
  const { run, type, since, undelivered } = flags;
  return {
    limit: limitOf(flags),
    ...(run === undefined ? {} : { run }),
    ...(type === undefined ? {} : { types: namesOf(type) }),
    ...(since === undefined ? {} : { since: sinceOf(since, now) }),
    ...(undelivered === undefined ? {} : { undelivered }),
  };
}

/** A length of time until now, or a moment. */
function sinceOf(text: string, now: Date): Date {
  const ms = parseDuration(text);
  const date = ms === undefined ? new Date(text) : new Date(now.getTime() - ms);
  if (!Number.isNaN(date.getTime())) return date;
  const next = "write it like 15m, 24h, or 2026-01-31T08:00:00Z";
  throw new CommandError(`"${text}" is neither a length of time nor a moment`, "--since", next);
}
