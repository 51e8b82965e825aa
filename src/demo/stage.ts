/** What the story is played with: a temporary folder, and everything real that is in it. */
import { rmSync } from "node:fs";
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { home, type CommandContext } from "../cli/context.ts";
import { createClosing, type Closing } from "./closing.ts";
import { openController, type DemoController } from "./controller.ts";
import type { Narrator } from "./narrator.ts";
import { planPostgres, startPostgres, type PostgresServer } from "./postgres.ts";
import { createWorkingCopy, type WorkingCopy } from "./working-copy.ts";

export interface Stage {
  readonly narrator: Narrator;
  readonly developer: WorkingCopy;
  readonly server: PostgresServer;
  readonly controller: DemoController;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

/** @throws with nothing left behind */
export async function openStage(context: CommandContext, narrator: Narrator): Promise<Stage> {
  const closing = createClosing();
  try {
    return await open(context, narrator, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function open(context: CommandContext, narrator: Narrator, closing: Closing): Promise<Stage> {
  const { env, stop: signal } = context;
  // The system's folder may be a link: git and PostgreSQL would name it by another path.
  const folder = await mkdtemp(join(await realpath(tmpdir()), "innominatus-demo-"));
  const onStarted = removeAtExit(folder, closing);
  // As root, PostgreSQL runs as another user, who has to get there.
  await chmod(folder, 0o711);

  const plan = await planPostgres();
  const path = env["PATH"];
  const onCommand = (text: string): void => narrator.command(text);
  const template = join(home, "gitops-example");
  const developer = await narrator.task("the git repository", async () => ({
    value: await createWorkingCopy({ folder, template, path, onCommand, signal }),
    text: "origin.git, a bare repository that holds gitops-example",
  }));

  const server = narrator.task("PostgreSQL", async () => {
    const options = { ...plan, folder: join(folder, "postgres"), signal, closing, onStarted };
    const value = await startPostgres(options);
    return { value, text: serverText(value) };
  });
  const controller = narrator.task("the controller's embedded database", async () => {
    // Nothing of the caller's environment: its settings, and its DATABASE_URL above all, are not ours.
    const own = {
      PATH: path,
      HOME: folder,
      INNOMINATUS_CONNECTION_SHARED_POSTGRES: plan.controllerUrl,
    };
    const value = await openController(
      { ...context, env: own, cwd: folder },
      developer.origin,
      closing,
    );
    return { value, text: "innominatus, on its embedded database" };
  });
  // Both come to an end, so that both can be closed.
  await Promise.allSettled([server, controller]);
  return {
    narrator,
    developer,
    server: await server,
    controller: await controller,
    close: () => closing.close(),
  };
}

const serverText = ({ version, address }: PostgresServer): string =>
  `PostgreSQL ${version} on ${address}, shared by every team`;

/**
 * The folder goes last, when all has ended that works in it; and by the process's exit at the latest,
 * for a second Ctrl-C waits for nothing.
 *
 * @returns what is to be told how to end, at once, what is running
 */
function removeAtExit(folder: string, closing: Closing): (kill: () => void) => void {
  let killLast = (): void => undefined;
  const atExit = (): void => {
    killLast();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", atExit);
  closing.add(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.removeListener("exit", atExit);
  });
  return (kill) => {
    killLast = kill;
  };
}
