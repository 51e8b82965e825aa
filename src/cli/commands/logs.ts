/** `innominatus logs RUN`: what the steps of a run printed, and with `-f` what they go on to print. */
import { createHints } from "../../controller/hints.ts";
import type { Clock } from "../../model/clock.ts";
import type { Database } from "../../store/database.ts";
import { findRuns, type RecordedRun } from "../../store/runs.ts";
import { listLogs, type LogLine } from "../../store/steps.ts";
import { screenOf, type CommandContext, type GlobalOptions } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { logText } from "../output/records.ts";
import { withStore } from "../session.ts";

export interface LogsFlags extends GlobalOptions {
  readonly follow?: boolean;
}

export async function runLogs(
  context: CommandContext,
  id: string,
  flags: LogsFlags,
): Promise<number> {
  const { paint } = screenOf(context);
  const { clock, stop } = context;
  const write = (line: LogLine): void => context.stdout.write(logText(line, paint));
  await withStore(context, flags, async (db) => {
    const found = await theRun(db, id);
    const run =
      flags.follow === true ? await followLogs({ db, clock }, found.id, write, stop) : found;
    if (flags.follow !== true) for (const line of await listLogs(db, run.id)) write(line);
    if (run.message !== "") context.stderr.write(`${run.state}: ${run.message}\n`);
  });
  return 0;
}

/** A line is seen after so long at the latest; that a run has ended is heard at once. */
const pollMs = 1_000;
const open = new Set<RecordedRun["state"]>(["queued", "running", "waiting"]);

/** @returns the run once it has ended and its last line is written, or as it is when `stop` is aborted */
export async function followLogs(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  id: string,
  write: (line: LogLine) => void,
  stop: AbortSignal,
): Promise<RecordedRun> {
  const hints = createHints();
  const stopListening = await db.listen("innominatus", () => hints.give());
  let after = "0";
  try {
    for (;;) {
      const seen = hints.count();
      // Before the lines: what is printed between the two is then still looked for.
      const run = await theRun(db, id);
      for (const line of await listLogs(db, id, after)) {
        write(line);
        after = line.id;
      }
      if (!open.has(run.state) || stop.aborted) return run;
      await hints.wait(seen, pollMs, clock, stop);
    }
  } finally {
    await stopListening();
  }
}

export async function theRun(db: Database, id: string): Promise<RecordedRun> {
  const [run, second] = await findRuns(db, id);
  if (run !== undefined && second === undefined) return run;
  throw new CommandError(
    run === undefined ? `there is no run ${id}` : `several runs end with ${id}`,
    "RUN",
    "list them with `innominatus runs`",
  );
}
