/** `npm run demo` as somebody runs it: built, in a folder of its own, and looked at when it is over. */
import { execFileSync, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNarrator } from "../../src/demo/narrator.ts";
import { openStage } from "../../src/demo/stage.ts";
import { tellStory } from "../../src/demo/story.ts";
import { runningClock } from "../support/step.ts";

const root = join(import.meta.dirname, "../..");
const patienceMs = 120_000;
let folder: string;
let temporary: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "a demo with spaces "));
  temporary = join(folder, "temporary files");
  await mkdir(temporary);
  // As root, the demo's PostgreSQL runs as another user.
  for (const it of [folder, temporary]) await chmod(it, 0o711);
  for (const it of ["migrations", "node_modules", "package.json", "providers"]) {
    await symlink(join(root, it), join(folder, it));
  }
  await cp(join(root, "gitops-example"), join(folder, "gitops-example"), { recursive: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = ["-p", "tsconfig.build.json", "--noCheck", "--outDir", join(folder, "dist")];
  execFileSync(process.execPath, [tsc, ...options], { cwd: root });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** With nothing in its environment but `PATH`. @param interruptAt what it prints before Ctrl-C */
function runDemo(
  PATH = process.env["PATH"],
  interruptAt?: string,
  words: readonly string[] = [join(folder, "dist/demo/main.js")],
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { PATH, TMPDIR: temporary };
    const child = spawn(process.execPath, words, {
      env,
      cwd: folder,
    });
    let stdout = "";
    let stderr = "";
    let isInterrupted = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (isInterrupted || interruptAt === undefined || !stdout.includes(interruptAt)) return;
      isInterrupted = child.kill("SIGINT");
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });

it(
  "tells its story in plain lines, and leaves nothing behind",
  async () => {
    const { code, stdout, stderr } = await runDemo();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).not.toContain("\u001b");
    const told = ["create", "update", "delete"].map((it) => `✓ ${it} postgres.shared#shop.orders`);
    const places = told.map((it) => stdout.indexOf(it));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(stdout).toContain("secret://production/shop/orders/password");
    expect(await readdir(temporary)).toEqual([]);
    const port = Number(/on 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]);
    expect(port).toBeGreaterThan(0);
    expect(await isListening(port)).toBe(false);
  },
  patienceMs,
);

it(
  "is told by innominatus-ctl under upstream's names, and cleared up after",
  async () => {
    const ctl = join(folder, "dist/cli/ctl.js");
    const told = await runDemo(undefined, undefined, [ctl, "demo-time"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout).toContain("✓ delete postgres.shared#shop.orders");
    await mkdir(join(temporary, "innominatus-demo-abc123"));
    await mkdir(join(temporary, "somebody-elses"));
    const cleared = await runDemo(undefined, undefined, [ctl, "demo-nuke"]);
    expect(cleared).toMatchObject({ code: 0, stdout: expect.stringContaining("1 folder") });
    expect(await readdir(temporary)).toEqual(["somebody-elses"]);
    await rm(join(temporary, "somebody-elses"), { recursive: true });
  },
  patienceMs,
);

it(
  "shows no password on a terminal, and does not say that one is forgotten which is not",
  async () => {
    let shown = "";
    const write = (text: string): void => void (shown += text);
    const terminal = { isTTY: true, columns: 100, write };
    const context = {
      env: { PATH: process.env["PATH"], TERM: "xterm" },
      cwd: folder,
      stdout: terminal,
      stderr: terminal,
      clock: runningClock,
      random: Math.random,
      stop: new AbortController().signal,
    };
    const passwords = new Map<string, string>();
    const stage = await openStage(context, createNarrator(context));
    const controller: typeof stage.controller = {
      ...stage.controller,
      async secretAt(reference) {
        const value = (await stage.controller.secretAt(reference)) ?? passwords.get(reference);
        if (value !== undefined) passwords.set(reference, value);
        return value;
      },
    };
    try {
      await expect(tellStory({ ...stage, controller })).rejects.toThrow(
        "the password is forgotten",
      );
    } finally {
      await stage.close();
    }
    const [password = ""] = passwords.values();
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(shown).toContain("\u001b[");
    expect(shown).not.toContain(password);
    expect(shown).not.toContain(new URL(stage.server.controllerUrl).password);
  },
  patienceMs,
);

it(
  "leaves nothing behind when somebody stops it",
  async () => {
    const { code, stdout } = await runDemo(undefined, "✓ origin.git");
    expect(code).toBe(130);
    expect(stdout).toContain("Stopped.");
    expect(await readdir(temporary)).toEqual([]);
  },
  patienceMs,
);

it("fails with what is missing, and leaves nothing behind", async () => {
  const { code, stderr } = await runDemo("/nonexistent");
  expect(code).toBe(1);
  expect(stderr).toContain("git is not installed");
  expect(await readdir(temporary)).toEqual([]);
});
