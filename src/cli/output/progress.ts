/**
 * Progress of a sync: on a terminal a few lines that are drawn anew, with what is done above them;
 * elsewhere one plain line for each thing that happens. It draws when something happens, by no timer.
 */
import type { Clock } from "../../model/clock.ts";
import type { Operation } from "../../model/plan.ts";
import type { Phase } from "../../model/resource.ts";
import type { Uid } from "../../model/uid.ts";
import type { Painter } from "../../plan/render/painter.ts";
import { counted, visible } from "../../plan/render/visible.ts";
import { duration } from "./elapsed.ts";
import type { Screen } from "./listing.ts";
import { displayWidth, padTo, truncate } from "./width.ts";

export interface ProgressEvent {
  readonly uid: Uid;
  readonly operation: Operation;
  readonly phase: Phase;
  /** The step that began; `undefined` between steps. `number` from 1. */
  readonly step?: { readonly name: string; readonly number: number; readonly of: number };
  /** Why, where it failed or is held; masked. */
  readonly message?: string;
}

export interface Progress {
  readonly event: (event: ProgressEvent) => void;
  /** A line of its own. */
  readonly note: (text: string) => void;
  /** Leaves the last state on the screen, with the totals. */
  readonly end: () => void;
}

interface Row {
  readonly event: ProgressEvent;
  readonly began: number;
}

/** More than this many at once are counted, not shown. */
const liveLines = 8;

export function createProgress(
  write: (text: string) => void,
  { paint, columns }: Screen,
  clock: Pick<Clock, "now">,
): Progress {
  const start = clock.now().getTime();
  const rows = new Map<Uid, Row>();
  const verdicts = new Map<Uid, Verdict>();
  const said = new Map<Uid, string>();
  let drawn = 0;

  const now = (): number => clock.now().getTime();
  const print = (lines: readonly string[]): void => {
    const erase = drawn === 0 ? "" : `\u001b[${drawn}A\r\u001b[0J`;
    const live = columns === undefined ? [] : liveBlock([...rows.values()], paint, columns, now());
    drawn = live.length;
    const text = [...lines, ...live].map((it) => `${it}\n`).join("");
    if (erase !== "" || text !== "") write(erase + text);
  };

  return {
    event(event) {
      const key = JSON.stringify(event);
      if (said.get(event.uid) === key) return;
      said.set(event.uid, key);
      const began = rows.get(event.uid)?.began ?? now();
      const verdict = settled(event.phase);
      if (verdict === undefined) {
        rows.set(event.uid, { event, began });
        verdicts.delete(event.uid);
      } else {
        rows.delete(event.uid);
        verdicts.set(event.uid, verdict);
      }
      const took = duration(now() - began);
      if (columns === undefined) {
        const text = verdict === undefined ? plainLine(event) : resultLine(event, verdict, paint);
        print([`${paint.dim(duration(now() - start))} ${text}`]);
      } else if (verdict === undefined) print([]);
      else print([`${resultLine(event, verdict, paint)}  ${paint.dim(took)}`]);
    },
    note(text) {
      print(text.split("\n"));
    },
    end() {
      const pending = rows.size;
      rows.clear();
      const count = (verdict: Verdict): number =>
        [...verdicts.values()].filter((it) => it === verdict).length;
      const parts = [
        `${count("done")} done`,
        ...(count("failed") > 0 ? [paint.red(`${count("failed")} failed`)] : []),
        ...(count("held") > 0 ? [paint.yellow(`${count("held")} held`)] : []),
        ...(pending > 0 ? [`${pending} still under way`] : []),
      ];
      print([`${parts.join(", ")} in ${duration(now() - start)}`]);
    },
  };
}

type Verdict = "done" | "failed" | "held";

/** `undefined` while it is under way. What failed may be tried again: then its last verdict counts. */
function settled(phase: Phase): Verdict | undefined {
  if (phase === "active" || phase === "deleted") return "done";
  return phase === "failed" || phase === "held" ? phase : undefined;
}

const marks = { done: "✓", failed: "✗", held: "‖" } as const;
const markColours = { done: "green", failed: "red", held: "yellow" } as const;

function resultLine(event: ProgressEvent, verdict: Verdict, paint: Painter): string {
  const mark = paint[markColours[verdict]](marks[verdict]);
  const why = event.message === undefined ? "" : `: ${visible(event.message)}`;
  return `${mark} ${event.operation} ${visible(event.uid)} ${event.phase}${why}`;
}

const stepText = ({ step, phase }: ProgressEvent): string =>
  step === undefined ? phase : `step ${step.number}/${step.of} ${visible(step.name)}`;

const plainLine = (event: ProgressEvent): string =>
  `  ${event.operation} ${visible(event.uid)} ${stepText(event)}`;

/** No line wraps: the next drawing has to know how many lines to go up. */
function liveBlock(rows: readonly Row[], paint: Painter, columns: number, now: number): string[] {
  const shown = rows.slice(0, liveLines);
  const width = Math.max(0, ...shown.map((it) => displayWidth(visible(it.event.uid))));
  const lines = shown.map(({ event, began }) => {
    const text = `  ${padTo(event.operation, 7)} ${padTo(visible(event.uid), width)}  ${stepText(event)}  ${duration(now - began)}`;
    return paint.cyan(truncate(text, columns - 1));
  });
  const more = rows.length - shown.length;
  return more === 0 ? lines : [...lines, paint.dim(`  and ${counted(more, "more", "more")}`)];
}
