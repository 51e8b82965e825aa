/** `npm run demo`: the story of a database that git asked for, told with everything real. */
import { Command } from "commander";
import type { CommandContext } from "../cli/context.ts";
import { runProcess } from "../cli/process.ts";
import { runKubeDemo } from "./kube.ts";
import { createNarrator } from "./narrator.ts";
import { openStage } from "./stage.ts";
import { tellStory } from "./story.ts";

// A closed terminal asks to stop like Ctrl-C does, and would otherwise end us with everything left behind.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"));

let stopped = 130;
process.once("SIGTERM", () => {
  stopped = 143;
});

await runProcess((context, onExit) =>
  new Command("demo")
    .description("Tells, with a real PostgreSQL in a temporary folder, what innominatus does.")
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride()
    .option("--kube", "in the cluster of the current kubeconfig context; asks first, and clears up")
    .option("--yes", "with --kube: asks nothing", false)
    .action(async ({ kube, yes }: { kube?: boolean; yes: boolean }) =>
      onExit(
        kube === true
          ? await runKubeDemo(context, createNarrator(context), { yes })
          : await runDemo(context),
      ),
    ),
);

/** @returns the exit code, where somebody stopped it as a shell would have it */
async function runDemo(context: CommandContext): Promise<number> {
  const narrator = createNarrator(context);
  narrator.title(
    "innominatus: a merged spec becomes a database, and a revert deletes it",
    "With real git, a real PostgreSQL and the real controller, in a temporary folder.",
  );
  const onStop = (): void => (narrator.gap(), narrator.say("Stopping …"));
  context.stop.addEventListener("abort", onStop, { once: true });
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
    narrator.say("Stopped. Nothing of it is left.");
    return stopped;
  }
  narrator.end();
  return 0;
}
