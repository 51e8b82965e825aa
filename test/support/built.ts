/** The program as it is shipped, built from the sources as they are now: `dist` may be of yesterday. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ran } from "./cli.ts";

const home = join(import.meta.dirname, "../..");

export interface BuiltProgram {
  /** What is shipped, with `dist`. */
  readonly folder: string;
  run(words: readonly string[], cwd: string): Promise<Ran>;
  remove(): Promise<void>;
}

/** Takes some seconds. */
export async function buildProgram(): Promise<BuiltProgram> {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-built-"));
  for (const it of ["package.json", "node_modules", "providers", "migrations", "gitops-example"]) {
    await symlink(join(home, it), join(folder, it));
  }
  const compiler = join(home, "node_modules/.bin/tsc");
  await spawned(
    compiler,
    ["-p", "tsconfig.build.json", "--noCheck", "--outDir", join(folder, "dist")],
    home,
  );
  const main = join(folder, "dist/cli/main.js");
  return {
    folder,
    run: (words, cwd) => spawned(process.execPath, [main, ...words], cwd),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function spawned(command: string, words: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd, env: { PATH: process.env["PATH"] } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
