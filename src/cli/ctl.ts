#!/usr/bin/env node
/** `innominatus-ctl`: upstream's command for people and scripts. What needs no server is here. */
import { Command, Option } from "commander";
import { runValidate, type ValidateFlags } from "./commands/validate.ts";
import type { CommandContext } from "./context.ts";
import { runProcess } from "./process.ts";
import { version } from "./version.ts";

await runProcess(createCtl);

function createCtl(context: CommandContext, onExit: (code: number) => void): Command {
  const program = new Command("innominatus-ctl")
    .description("Commands that need no server. `innominatus` has the others, on its own record.")
    .version(version)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError("run with --help to see what there is");
  program
    .command("validate")
    .description("check specs, providers, workflows and settings; exit 0 fine, 1 problems")
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
  return program;
}
