/** The commands, their options and their help. Each command is a file in `commands/`. */
import { Command, Option } from "commander";
import { runCancel } from "./commands/cancel.ts";
import { runAbandon, runApprove, runRetry } from "./commands/decisions.ts";
import { runInit, runSchemas } from "./commands/init.ts";
import { runPlan } from "./commands/plan.ts";
import {
  runProviderNew,
  runProviderTest,
  type ProviderNewFlags,
  type ProviderTestFlags,
} from "./commands/provider.ts";
import { runEvents, type EventsFlags } from "./commands/events.ts";
import { runResend } from "./commands/resend.ts";
import { runLogs } from "./commands/logs.ts";
import { runResources, runRuns, runStatus, type RunsFlags } from "./commands/records.ts";
import { runRender, type RenderFlags } from "./commands/render.ts";
import { runSecret } from "./commands/secret.ts";
import { runServe } from "./commands/serve.ts";
import { runSync } from "./commands/sync.ts";
import { runUserHash } from "./commands/user.ts";
import { runValidate, type ValidateFlags } from "./commands/validate.ts";
import { runWhy } from "./commands/why.ts";
import { nearestWord } from "../document/suggest.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { listingFormats } from "./output/listing.ts";
import { version } from "./version.ts";

export function createProgram(context: CommandContext, onExit: (code: number) => void): Command {
  const program = new Command("innominatus")
    .description("Score specs in git become working resources, and a revert deletes them, safely.")
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 80,
      getErrHelpWidth: () => context.stderr.columns ?? 80,
    })
    .exitOverride()
    .showHelpAfterError("run with --help to see what there is")
    .hook("preSubcommand", refuseUnknown);

  const command = (name: string, description: string): Command =>
    withGlobals(program.command(name).description(description));
  const output = (...choices: readonly string[]): Option =>
    new Option("-o, --output <format>", "how to print it").choices(choices).default(choices[0]);
  const environment = new Option("--environment <name>", "one environment only");

  /** Commander's handlers get what was typed, options last. */
  const on = <F extends GlobalOptions>(
    it: Command,
    run: (context: CommandContext, flags: F) => Promise<number>,
  ): Command => it.action(async (flags: F) => onExit(await run(context, flags)));
  const onOne = <F extends GlobalOptions>(
    it: Command,
    run: (context: CommandContext, given: string, flags: F) => Promise<number>,
  ): Command =>
    it.action(async (given: string, flags: F) => onExit(await run(context, given, flags)));

  on(
    withGlobals(program.command("serve", { isDefault: true }))
      .description("the controller and its server; what runs without a command")
      .option("--host <address>", "address to listen on")
      .option("--port <number>", "port to listen on (default 8081)"),
    runServe,
  );
  program
    .command("validate")
    .description("check specs, providers, workflows and settings; exit 0 fine, 1 problems")
    .argument("[path...]", "files, folders or repositories", ["."])
    .option("--strict", "Score exactly as its schema says, without older files' habits")
    .addOption(output("text", "json", "sarif", "github"))
    .option("--config <file>", "settings, for their providers (default: innominatus.yaml here)")
    .option("--data-dir <folder>", "where providers from git are mirrored")
    .action(async (paths: readonly string[], flags: ValidateFlags) =>
      onExit(await runValidate(context, paths, flags)),
    );
  program
    .command("render")
    .description("a workflow's steps as they would run; performs nothing")
    .argument("<workflow>", "its file")
    .option("--params <file>", "the inputs, those of the engine included, as YAML or JSON")
    .option("--results <file>", "outputs of steps, by step name, as YAML or JSON")
    .addOption(output("text", "json"))
    .action(async (file: string, flags: RenderFlags) =>
      onExit(await runRender(context, file, flags)),
    );
  program
    .command("init")
    .description("a new repository, with two apps and a provider to start from")
    .argument("[dir]", "an empty folder, or one to make", ".")
    .action(async (dir: string) => onExit(await runInit(context, dir)));
  const provider = program
    .command("provider")
    .description("for whoever writes providers")
    .helpCommand(false);
  provider
    .command("new")
    .description("a provider to start from, which passes its own tests")
    .argument("<name>", "its name, like cache-team")
    .option("--dir <folder>", "where to make it (default: providers/<name>)")
    .option("--type <type>", "the resource type it serves (default: its name without -team)")
    .action(async (name: string, flags: ProviderNewFlags) =>
      onExit(await runProviderNew(context, name, flags)),
    );
  provider
    .command("test")
    .description("runs a provider's own cases, and tries every type out; exit 0 fine, 1 not")
    .argument("[dir]", "its folder", ".")
    .option("--no-conformance", "the cases only")
    .option("--only <type>", "try out one resource type only")
    .option("--timeout <duration>", "for each type", "5m")
    .option("--config <file>", "settings, for their connections (default: innominatus.yaml here)")
    .addOption(output("text", "json"))
    .action(async (dir: string, flags: ProviderTestFlags) =>
      onExit(await runProviderTest(context, dir, flags)),
    );
  program
    .command("schemas")
    .description("writes the JSON Schemas that editors check files with")
    .argument("[dir]", "where to (default: .innominatus/schemas here)")
    .action(async (dir: string | undefined) => onExit(await runSchemas(context, dir)));
  on(
    command("plan", "what would happen; changes nothing")
      .option("--ref <ref>", "branch, tag or commit to plan (default: the environment's branch)")
      .option("--base <ref>", "plan from this ref as if it were applied, not from the record")
      .addOption(environment)
      .option("--server", "ask the environment's Kubernetes cluster what it would change, too")
      .option(
        "--detailed-exitcode",
        "exit 2 where something would change, 0 where nothing, 1 for errors",
      )
      .addOption(output("text", "json", "markdown")),
    runPlan,
  );
  on(
    command("sync", "one pass, until all is settled; exit 0 settled, 1 failed or held, 3 timed out")
      .option("--timeout <duration>", "how long to wait for runs", "5m")
      .addOption(output("text", "json")),
    runSync,
  );
  on(
    command("status", "environments, and how they are")
      .addOption(environment)
      .addOption(output(...listingFormats)),
    runStatus,
  );
  on(
    command("resources", "recorded resources")
      .option("--all", "the deleted ones too")
      .option("--type <type>", "of one type only")
      .addOption(environment)
      .addOption(output(...listingFormats)),
    runResources,
  );
  command("runs", "runs, newest first; of one resource, or of all")
    .argument("[resource]", "uid, or what is after its #")
    .option("--limit <number>", "how many at the most", "50")
    .addOption(environment)
    .addOption(output(...listingFormats))
    .action(async (resource: string | undefined, flags: RunsFlags) =>
      onExit(await runRuns(context, resource, flags)),
    );
  command("events", "the audit trail, newest first; of one resource, or of all")
    .argument("[resource]", "uid, or what is after its #")
    .option("--run <id>", "of one run only; the end of its id will do")
    .option("--type <name>", "of one kind only, like RunFailed or innominatus.run.failed")
    .option("--since <when>", "not older: a length of time like 24h, or a moment")
    .option("--undelivered", "only what the audit sink has not taken")
    .option("--resend <id...>", "send again what the sink refused; the end of an id will do")
    .option("--reason <text>", "with --resend: kept on the audit trail")
    .option("--as <name>", "with --resend: who decides (default: the user of this session)")
    .option("-f, --follow", "oldest first, and go on with those to come")
    .option("--limit <number>", "how many at the most", "50")
    .addOption(environment)
    .addOption(output(...listingFormats))
    .action(async (resource: string | undefined, flags: EventsFlags) =>
      onExit(
        await (flags.resend === undefined
          ? runEvents(context, resource, flags)
          : runResend(context, { ...flags, resend: flags.resend })),
      ),
    );
  onOne(
    command("logs", "what the steps of a run printed")
      .argument("<run>", "id, or its end")
      .option("-f, --follow", "go on until the run has ended"),
    runLogs,
  );
  program
    .command("user")
    .description("users of the HTTP API")
    .command("hash")
    .description("the hash of a password on standard input, for api.users in the settings")
    .action(async () => onExit(await runUserHash(context, process.stdin)));
  onOne(
    command("secret", "the value behind a secret reference; that it was read is recorded").argument(
      "<reference>",
      "secret://…",
    ),
    runSecret,
  );
  onOne(
    command("why", "what was decided for a resource, by which rule, and what happens next")
      .argument("<resource>", "uid, or what is after its #")
      .addOption(environment)
      .addOption(output("text", "json")),
    runWhy,
  );
  const decision = (it: Command): Command =>
    it
      .addOption(environment)
      .option("--reason <text>", "kept on the audit trail")
      .option("--as <name>", "who decides (default: the user of this session)");
  onOne(
    decision(
      command("approve", "let a plan go on that waits for it").argument("<plan>", "its hash"),
    ),
    runApprove,
  );
  onOne(
    decision(command("retry", "try again what has failed").argument("<resource>", "uid")),
    runRetry,
  );
  onOne(
    decision(command("cancel", "end a run at its next safe point").argument("<run>", "its id")),
    runCancel,
  );
  onOne(
    decision(
      command(
        "abandon",
        "forget a resource that cannot be deleted; leaves the thing alone",
      ).argument("<resource>", "uid"),
    ),
    runAbandon,
  );
  return program;
}

/** What is no command would be taken for an argument of the default one. */
function refuseUnknown(program: Command): void {
  const [word = "-"] = program.args;
  const known = program.commands.map((it) => it.name());
  if (word.startsWith("-") || known.includes(word)) return;
  const near = nearestWord(word, known);
  const suggestion = near === undefined ? "" : `\n(Did you mean ${near}?)`;
  program.error(`error: unknown command '${word}'${suggestion}`, {
    code: "commander.unknownCommand",
  });
}

function withGlobals(command: Command): Command {
  return command
    .option("--repo <url|folder>", "the repository, or the name of a configured one")
    .option("--data-dir <folder>", "mirrors, scratch folders and the embedded database")
    .option("--database-url <url>", "PostgreSQL in place of the embedded database (DATABASE_URL)")
    .option("--config <file>", "settings (default: innominatus.yaml in this folder)")
    .option("--log-level <level>", "trace, debug, info, warn, error, fatal or silent");
}
