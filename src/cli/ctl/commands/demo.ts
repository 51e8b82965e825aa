/** `demo-time` and `demo-nuke`: upstream's names for the demonstration, and for clearing up after it. */
import { spawn } from "node:child_process";
import { readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counted } from "../../../plan/render/visible.ts";
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

/** A demonstration leaves nothing behind, unless it was killed: then a folder, without a process in it. */
export async function runDemoNuke(context: CtlContext): Promise<number> {
  const folder = await realpath(context.env["TMPDIR"] ?? tmpdir());
  const left = (await readdir(folder)).filter((it) => demoFolder.test(it));
  for (const it of left) await rm(join(folder, it), { recursive: true, force: true });
  context.stdout.write(
    left.length === 0
      ? "Nothing of a demonstration is left\n"
      : `${counted(left.length, "folder")} of killed demonstrations removed\n`,
  );
  return 0;
}
