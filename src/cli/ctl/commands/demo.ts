/** `demo-time` and `demo-nuke`: upstream's names for the demonstration, and for clearing up after it. */
import { spawn } from "node:child_process";
import { readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counted } from "../../../plan/render/visible.ts";
import { CommandError } from "../../output/failure.ts";
import { home } from "../../context.ts";
import type { CtlContext } from "../context.ts";

/** The same as `npm run demo`, with its exit code; signals reach it by the terminal, as its own. */
export async function runDemoTime(context: CtlContext): Promise<number> {
  const story = join(home, "dist", "demo", "main.js");
  const child = spawn(process.execPath, [story], { stdio: "inherit", env: { ...context.env } });
  const onStop = (): void => void child.kill("SIGTERM");
  context.stop.addEventListener("abort", onStop, { once: true });
  try {
    return await new Promise((ended, failed) => {
      child.once("error", failed);
      child.once("close", (code) => ended(code ?? 1));
    });
  } finally {
    context.stop.removeEventListener("abort", onStop);
  }
}

const demoFolder = /^innominatus-demo-\w{6}$/;

const leftovers = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((it) => demoFolder.test(it));

const temporary = ({ env }: CtlContext): Promise<string> => realpath(env["TMPDIR"] ?? tmpdir());

/** What killed demonstrations left; one that is under way has its folder there, too. */
export async function runDemoStatus(context: CtlContext): Promise<number> {
  const folder = await temporary(context);
  const found = (await leftovers(folder)).map((it) => `${join(folder, it)}\n`);
  context.stdout.write(
    found.length === 0
      ? "No demonstration is under way, and nothing of one is left\n"
      : found.join(""),
  );
  return 0;
}

/** Upstream's names of what is not here: what to do instead. */
export const absent = {
  chat: [
    "there is no assistant here",
    "see `innominatus-ctl why RESOURCE` and `innominatus-ctl validate`: they say what is wrong, and what is next",
  ],
  "fix-gitea-oauth": [
    "there is no Gitea of ours to mend",
    "the demonstration runs without one; a Gitea of yours is named in the settings, under `repositories[].forge`",
  ],
} as const;

export function runAbsent(name: keyof typeof absent): never {
  const [what, next] = absent[name];
  throw new CommandError(what, `innominatus-ctl ${name}`, next);
}

/** A demonstration leaves nothing behind, unless it was killed: then a folder, without a process in it. */
export async function runDemoNuke(context: CtlContext): Promise<number> {
  const folder = await temporary(context);
  const left = await leftovers(folder);
  for (const it of left) await rm(join(folder, it), { recursive: true, force: true });
  context.stdout.write(
    left.length === 0
      ? "Nothing of a demonstration is left\n"
      : `${counted(left.length, "folder")} of killed demonstrations removed\n`,
  );
  return 0;
}
