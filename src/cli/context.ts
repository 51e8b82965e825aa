/** What every command gets: the process, and nothing it could get from elsewhere. */
import { fileURLToPath } from "node:url";
import pino, { type Logger } from "pino";
import type { Clock, Random } from "../model/clock.ts";
import type { Problem } from "../model/problem.ts";
import { plain, type Painter } from "../plan/render/painter.ts";
import { createMasker, type Masker } from "../secrets/mask.ts";
import { loadSettings } from "../settings/load.ts";
import type { Flags } from "../settings/overrides.ts";
import { secretValues } from "../settings/secret-values.ts";
import type { Settings } from "../settings/settings.ts";
import { consoleLine } from "./log-lines.ts";
import { CommandError } from "./output/failure.ts";
import type { Screen } from "./output/listing.ts";
import { painterFor } from "./output/paint.ts";
import { problemsText } from "./output/problems.ts";

export interface Terminal {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  write(text: string): void;
}

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted by SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
}

/** Folder of the package: where its migrations and providers are, from `src` as from `dist`. */
export const home = fileURLToPath(new URL("../../", import.meta.url));

export interface GlobalOptions {
  readonly config?: string;
  readonly repo?: string;
  readonly dataDir?: string;
  readonly databaseUrl?: string;
  readonly logLevel?: string;
}

export const screenOf = ({ stdout, env }: CommandContext): Screen => ({
  paint: painterFor(stdout.isTTY, env),
  columns: stdout.isTTY ? stdout.columns : undefined,
});

export const painterOf = ({ stderr, env }: CommandContext): Painter =>
  stderr.isTTY ? painterFor(true, env) : plain;

/** @throws {CommandError} with every mistake at once */
export function settingsFor(
  context: CommandContext,
  options: GlobalOptions,
  flags: Flags = {},
): Settings {
  const { config, repo, dataDir, databaseUrl, logLevel } = options;
  const { settings, problems } = loadSettings({
    file: config,
    env: context.env,
    cwd: context.cwd,
    flags: { repo, dataDir, databaseUrl, logLevel, ...flags },
  });
  if (problems.length > 0) context.stderr.write(problemsOf(problems, painterOf(context)));
  if (settings === undefined) {
    const where = problems[0]?.file ?? "";
    throw new CommandError("the settings have mistakes", where, "correct them, and run it again");
  }
  return settings;
}

const problemsOf = (problems: readonly Problem[], paint: Painter): string =>
  problemsText(problems, () => undefined, paint);

/** Masks every secret of the settings by value, whatever line it would be in (law 7). */
export function logFor(context: CommandContext, settings: Settings): Logger {
  const masker = maskerFor(settings, context);
  const { level, encoding } = settings.log;
  const form = encoding === "console" ? consoleLine : (line: string) => line;
  const stream = { write: (line: string) => context.stderr.write(form(masker.mask(line))) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

function maskerFor(settings: Settings, { env }: CommandContext): Masker {
  const masker = createMasker();
  for (const value of secretValues(settings, env)) masker.add(value);
  return masker;
}
