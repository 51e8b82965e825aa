/** The commands of innominatus-ctl, their options and their help. */
import { Command, Option } from "commander";
import { runValidate, type ValidateFlags } from "../commands/validate.ts";
import { version } from "../version.ts";
import { addAdministration } from "./administration.ts";
import { completionScript, printCandidates, shells } from "./completion.ts";
import { runAnalyze } from "./commands/analyze.ts";
import { runAbsent, runDemoNuke, runDemoStatus, runDemoTime } from "./commands/demo.ts";
import { runGoldenPath, runGoldenPaths } from "./commands/golden-paths.ts";
import {
  runApprove,
  runEnvironments,
  runGraphExport,
  runGraphStatus,
  runPlans,
  runProviders,
  runProviderStats,
  runReload,
  runStats,
} from "./commands/platform.ts";
import {
  runEvents,
  runListResources,
  runResourceDelete,
  runResourceGet,
  runResourceHealth,
  runResourceTransition,
  runResourceUpdate,
  runRetry,
  runSecretGet,
  runWhy,
} from "./commands/resources.ts";
import {
  runCreateKey,
  runKeys,
  runLogin,
  runLogout,
  runRevokeKey,
  runWhoami,
} from "./commands/session.ts";
import { runAppStatus, runDelete, runDeploy, runList } from "./commands/specs.ts";
import { runCancel, runLogs, runWorkflowDetail, runWorkflowList } from "./commands/workflows.ts";
import type { CtlContext } from "./context.ts";
import { outputFormats } from "./print.ts";

const exitCodes = `
Exit codes: 0 fine, 1 failed, 2 used wrongly, 3 timed out, 4 not signed in or not allowed to,
130 and 143 stopped by a signal. Environment: INNOMINATUS_API_BASE, INNOMINATUS_API_TOKEN (or
IDP_API_KEY), NO_COLOR, CI.`;

type Run<F> = (context: CtlContext, words: readonly string[], flags: F) => Promise<number>;

export function createCtl(context: CtlContext, onExit: (code: number) => void): Command {
  const program = new Command("innominatus-ctl")
    .description("innominatus through its HTTP API: for people and scripts.")
    .version(version)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 80,
      getErrHelpWidth: () => context.stderr.columns ?? 80,
    })
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError("run with --help to see what there is")
    .addHelpText("after", exitCodes)
    .addOption(server())
    .addOption(output())
    .addOption(hidden("--details"))
    .addOption(hidden("--skip-validation"));

  /** What is typed before a command counts for it, too. */
  const add = <F extends object>(
    parent: Command,
    usage: string,
    description: string,
    run: Run<F>,
  ): Command => {
    const it = parent.command(usage).description(description).addOption(server());
    return it.action(async () => {
      const flags = it.optsWithGlobals<F>();
      onExit(
        await run(
          context,
          it.processedArgs.filter((word) => word !== undefined),
          flags,
        ),
      );
    });
  };
  const listed = <F extends object>(
    parent: Command,
    usage: string,
    description: string,
    run: Run<F>,
  ): Command => add(parent, usage, description, run).addOption(output());
  const group = (name: string, description: string): Command =>
    program.command(name).description(description).helpCommand(false);

  add(program, "login", "sign in; the token is kept for this server", runLogin)
    .option("--username <name>", "who you are")
    .option("--password-stdin", "read the password from standard input")
    .option("--name <name>", "keep an API key of this name in place of the session")
    .option("--expiry-days <days>", "how long that key is good for (default: 90)")
    .addOption(new Option("-s, --sso").hideHelp());
  add(program, "logout", "end the session, and forget its token", runLogout);
  listed(program, "whoami", "who the server takes you for", runWhoami);

  followed(
    add(program, "deploy <file>", "submit a Score spec, and follow what becomes of it", runDeploy),
  );
  listed(program, "list", "what is deployed", runList).addOption(environment());
  listed(program, "status <app>", "a workload and its resources", runAppStatus).addOption(
    environment(),
  );
  followed(
    add(
      program,
      "delete <app>",
      "remove a spec from git, and follow what becomes of it",
      runDelete,
    ),
  ).alias("deprovision");

  listed(program, "list-resources [app]", "resources", runListResources)
    .option("--type <type>", "of one type")
    .option("--state <state>", "in one state; held and terminated are states, too")
    .addOption(environment());
  const resource = group("resource", "one resource, by id, by uid or by what is after its #");
  listed(resource, "get <resource>", "all that is known of it", runResourceGet);
  followed(add(resource, "delete <resource>", "take it out of its spec in git", runResourceDelete));
  listed(resource, "health <resource>", "how it is", runResourceHealth).addOption(
    hidden("--check"),
  );
  add(resource, "update <resource> <params>", "where its params are declared", runResourceUpdate);
  add(resource, "transition <resource> <state>", "why its state is not set", runResourceTransition);
  add(resource, "retry <resource>", "try again what has failed", runRetry);
  listed(program, "why <resource>", "what was decided, by which rule, and what is next", runWhy);
  add(program, "retry <id> [spec]", "try a resource or a run's resource again", runRetry);

  for (const [parent, name] of [
    [group("workflow", "runs of workflows"), "list [app]"],
    [program, "list-workflows [app]"],
  ] as const) {
    listed(parent, name, "runs, newest first", runWorkflowList)
      .option("--status <status>", "pending, running, completed, failed or cancelled")
      .option("--limit <number>", "how many at the most (default: 50)");
    if (parent === program) continue;
    listed(parent, "detail <run>", "a run and its steps", runWorkflowDetail);
    logged(add(parent, "logs <run>", "what its steps printed", runLogs));
  }
  logged(add(program, "logs <run>", "what the steps of a run printed", runLogs));
  add(program, "cancel <run>", "end a run with its current step", runCancel);

  listed(program, "plan", "plans, newest first", runPlans)
    .option("--limit <number>", "how many at the most (default: 50)")
    .addOption(environment());
  add(program, "approve <plan>", "let a plan go on that waits for it", runApprove).option(
    "--reason <text>",
    "kept on the audit trail",
  );
  const secret = group("secret", "values behind references");
  add(secret, "get <resource> [key]", "one value; that it was read is recorded", runSecretGet);

  const provider = group("provider", "providers");
  listed(provider, "list", "providers that are loaded", runProviders);
  listed(provider, "stats", "how many there are", runProviderStats);
  listed(provider, "reload", "read them again now", runReload);
  listed(program, "list-providers", "providers that are loaded", runProviders);
  listed(program, "list-goldenpaths", "golden paths of the providers", runGoldenPaths);
  add(
    program,
    "run <goldenpath> [spec]",
    "the lines that ask for what one makes",
    runGoldenPath,
  ).option(
    "--param <key=value>",
    "a parameter (repeat)",
    (it: string, all: readonly string[]) => [...all, it],
    noParams,
  );
  listed(program, "environments", "environments, and how they are", runEnvironments);
  listed(program, "events [app]", "the audit trail, newest first", runEvents).option(
    "--limit <number>",
    "how many at the most (default: 50)",
  );
  listed(program, "stats", "figures", runStats);
  add(program, "graph-export <app>", "a workload's graph", runGraphExport)
    .addOption(
      new Option("--format <format>", "how to draw it")
        .choices(["svg", "dot", "mermaid", "mermaid-state", "mermaid-gantt", "json", "png"])
        .default("svg"),
    )
    .option("-o, --output <file>", "where to (default: standard output)");
  listed(program, "graph-status <app>", "a workload's graph as a list", runGraphStatus);

  const key = group("api-key", "your API keys");
  listed(key, "list", "their names and ends", runKeys);
  listed(key, "create <name>", "a new one, on standard output", runCreateKey)
    .option("--expiry-days <days>", "how long it is good for (default: 90)")
    .option("--scope <scope...>", "read, write, secrets, approve or admin (default: all you have)");
  add(key, "revoke <name>", "end one", runRevokeKey);

  addAdministration({ add, listed, group });

  program
    .command("validate")
    .description("check specs, providers, workflows and settings; needs no server")
    .argument("[path...]", "files and folders", ["."])
    .option("--strict", "exactly the official Score schema")
    .addOption(
      new Option("-o, --output <format>", "how to print it")
        .choices(["text", "json", "sarif", "github"])
        .default("text"),
    )
    .action(async (paths: readonly string[], flags: ValidateFlags) =>
      onExit(await runValidate(context, paths, flags)),
    );
  listed(
    program,
    "analyze <file>",
    "what in a spec or a workflow needs what; needs no server",
    runAnalyze,
  );
  program
    .command("demo-time")
    .description("a database merged, changed and reverted, with everything real; needs no server")
    .action(async () => onExit(await runDemoTime(context)));
  program
    .command("demo-nuke")
    .description("remove what a killed demonstration left")
    .alias("demo-reset")
    .addOption(hidden("--no-check"))
    .action(async () => onExit(await runDemoNuke(context)));
  program
    .command("demo-status")
    .description("what demonstrations have left, or are at")
    .action(async () => onExit(await runDemoStatus(context)));
  for (const name of ["chat", "fix-gitea-oauth"] as const) {
    program
      .command(name, { hidden: true })
      .allowExcessArguments()
      .allowUnknownOption()
      .action(() => runAbsent(name));
  }
  program
    .command("completion")
    .description("a script that completes commands and names: for bash, zsh or fish")
    .addArgument(program.createArgument("<shell>").choices(shells))
    .action((shell: string) => context.stdout.write(completionScript(shell)));
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: readonly string[]) => printCandidates(context, program, words));
  return program;
}

const noParams: readonly string[] = [];

const server = (): Option =>
  new Option("--server <url>", "where the API is (default: http://localhost:8081)");

const output = (): Option =>
  new Option("-o, --output <format>", "how to print it (default: table)").choices(outputFormats);

const environment = (): Option => new Option("--environment <name>", "one environment only");

const hidden = (flags: string): Option => new Option(flags).hideHelp();

const followed = (command: Command): Command =>
  command
    .option("--no-wait", "do not follow what becomes of it")
    .option("--timeout <duration>", "how long to follow it (default: 10m)")
    .option("--verbose", "say what is planned for each resource")
    .option("--environment <name>", "which environment, where there are several")
    .option("--repo <name>", "which repository, where there are several")
    .addOption(hidden("-w, --watch"));

const logged = (command: Command): Command =>
  command
    .option("-f, --follow", "go on until the run has ended")
    .option("--step <name>", "of one step")
    .option("--tail <lines>", "the last so many")
    .addOption(hidden("--step-only"))
    .addOption(hidden("--verbose"));
