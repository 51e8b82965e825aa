/** `npm run demo`: the story of a database that git asked for, told with everything real. */
import { Command } from "commander";
import type { CommandContext } from "../cli/context.ts";
import { runProcess } from "../cli/process.ts";
import { createNarrator } from "./narrator.ts";
import { openStage } from "./stage.ts";
import { tellStory } from "./story.ts";

// A closed terminal asks to stop like Ctrl-C does, and would otherwise end us with everything left behind.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"));

await runProcess((context, onExit) =>
  new Command("demo")
    .description("Tells, with a real PostgreSQL in a temporary folder, what innominatus does.")
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride()
    .action(async () => onExit(await runDemo(context))),
);

/** @returns the exit code; 130 where somebody stopped it */
async function runDemo(context: CommandContext): Promise<number> {
  const narrator = createNarrator(context);
  try {
    const stage = await openStage(context, narrator);
    try {
      await tellStory(stage);
    } catch (error) {
      if (!context.stop.aborted) context.stderr.write(stage.controller.log());
      throw error;
    } finally {
      await narrator.timed("clearing up", () => stage.close());
    }
  } catch (error) {
    if (!context.stop.aborted) throw error;
    narrator.say("\nStopped. Nothing of it is left.");
    return 130;
  }
  narrator.end();
  return 0;
}
