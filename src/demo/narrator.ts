/** How the demo looks: headings, commands and results, in colour on a terminal and plain elsewhere. */
import { screenOf, type CommandContext } from "../cli/context.ts";
import { duration } from "../cli/output/elapsed.ts";
import { createProgress, type Progress } from "../cli/output/progress.ts";
import { truncate } from "../cli/output/width.ts";
import { planText } from "../plan/render/text.ts";
import type { Plan } from "../model/plan.ts";
import type { Painter } from "../plan/render/painter.ts";
import type { PlanFacts } from "../plan/render/words.ts";

export interface Narrator {
  title(text: string, below: string): void;
  chapter(title: string): void;
  say(text: string): void;
  /** In the background: what comes next. */
  label(text: string): void;
  /** A blank line, unless there is one. */
  gap(): void;
  /** What was typed. */
  command(text: string, prompt?: string): void;
  /** Something that was looked at, and is so. */
  so(text: string): void;
  /** Lines as they are; cut where a terminal would wrap them. */
  show(lines: readonly string[], colour?: keyof Painter): void;
  /** Its first line is the titles. */
  table(lines: readonly string[]): void;
  diff(lines: readonly string[]): void;
  /** A comment, as it is written; what is folded there is left out here. */
  quote(markdown: string): void;
  plan(plan: Plan, facts: PlanFacts): void;
  /** `work`, with a line while it is under way and one when it is done. */
  task<T>(title: string, work: () => Promise<Told<T>>): Promise<T>;
  /** `work`, with its time among those that INNOMINATUS_DEBUG shows in the end. */
  timed<T>(phase: string, work: () => Promise<T>): Promise<T>;
  progress(): Progress;
  end(): void;
}

interface Told<T> {
  readonly value: T;
  /** What is so now. */
  readonly text: string;
}

const widest = 80;

export function createNarrator(context: CommandContext): Narrator {
  const { stdout, clock, env } = context;
  const { paint, columns: reported } = screenOf(context);
  // A terminal that does not know its size says 0.
  const columns = reported === 0 ? undefined : reported;
  const width = Math.min(columns ?? widest, widest);
  const start = clock.now().getTime();
  const sinceMs = (from: number): number => clock.now().getTime() - from;
  const phases: [string, number][] = [];
  const underWay = new Set<string>();
  let drawn = false;
  let isBlank = true;

  const print = (lines: readonly string[]): void => {
    isBlank = lines.length === 0 ? isBlank : lines.at(-1) === "";
    const erase = drawn ? "\r\u001b[0K" : "";
    const live = underWay.size === 0 ? "" : truncate(`… ${[...underWay].join(", ")}`, width - 1);
    drawn = columns !== undefined && live !== "";
    stdout.write(erase + lines.map((it) => `${it}\n`).join("") + (drawn ? paint.cyan(live) : ""));
  };

  const timed: Narrator["timed"] = async (phase, work) => {
    const from = clock.now().getTime();
    try {
      return await work();
    } finally {
      phases.push([phase, sinceMs(from)]);
    }
  };

  const gap = (): void => print(isBlank ? [] : [""]);
  const cut = (lines: readonly string[]): readonly string[] =>
    columns === undefined ? lines : lines.map((it) => truncate(it, columns - 1));

  return {
    timed,
    gap,
    title: (text, below) => print([paint.bold(text), paint.dim(below), ""]),
    chapter(title) {
      gap();
      print([paint.bold(paint.cyan(`── ${title} `.padEnd(width - 1, "─")))]);
    },
    say: (text) => print([text]),
    label: (text) => print([paint.dim(text)]),
    command: (text, prompt = "$") => print([`${paint.dim(prompt)} ${text}`]),
    so: (text) => print([`${paint.green("✓")} ${text}`]),
    show: (lines, colour) =>
      print(colour === undefined ? cut(lines) : cut(lines).map(paint[colour])),
    table: (lines) => print(cut(lines).map((it, index) => (index === 0 ? paint.bold(it) : it))),
    diff: (lines) =>
      print(lines.map((it) => (it.startsWith("+") ? paint.green(it) : paint.red(it)))),
    quote: (markdown) =>
      print(
        cut(
          markdown
            .replaceAll(/<details>[\s\S]*?<\/details>\n*/g, "")
            .trim()
            .split("\n")
            .map((it) => `${paint.dim("│")} ${it}`),
        ),
      ),
    plan: (plan, facts) => print(planText(plan, facts, paint).trimEnd().split("\n")),
    async task(title, work) {
      underWay.add(title);
      print([]);
      const from = clock.now().getTime();
      try {
        const { value, text } = await timed(title, work);
        underWay.delete(title);
        print([`${paint.green("✓")} ${text} ${paint.dim(duration(sinceMs(from)))}`]);
        return value;
      } catch (error) {
        underWay.delete(title);
        print([]);
        throw error;
      }
    },
    progress() {
      isBlank = false;
      return createProgress((text) => stdout.write(text), { paint, columns }, clock);
    },
    end() {
      const took = duration(sinceMs(start));
      gap();
      print([paint.bold(`All of it was so, in ${took}. Nothing of it is left.`)]);
      if ((env["INNOMINATUS_DEBUG"] ?? "") === "") return;
      print(phases.map(([phase, ms]) => paint.dim(`${duration(ms).padStart(6)} ${phase}`)));
    },
  };
}
