import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { performOnce, runningClock } from "../../../test/support/step.ts";
import type { JsonRecord } from "../../model/json.ts";
import { createMasker } from "../../secrets/mask.ts";
import type { StepContext } from "../step-type.ts";
import { guarded, standalone } from "../process.ts";
import { createPolicy, parameterVariables } from "./policy.ts";

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "innominatus-policy-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const path = process.env["PATH"] ?? "";
const run = (script: string, more: Partial<StepContext> = {}, logged: string[] = []) => {
  const policy = createPolicy({ clock: runningClock, scratch, path });
  return performOnce(policy, { script }, more, logged);
};
const outputsOf = async (script: string, more: Partial<StepContext> = {}): Promise<JsonRecord> =>
  (await run(script, more)).outputs;

describe("a script", () => {
  it("gives the last JSON object on its standard output, and nothing from the other", async () => {
    const script = `echo '{"no":1}'; echo '{"host":"db","port":5432}'; echo done; echo '{"err":1}' >&2`;
    expect(await outputsOf(script)).toEqual({ host: "db", port: 5432 });
  });

  it("may give nothing", async () => expect(await outputsOf("true")).toEqual({}));

  it("goes on after a command that fails, as upstream does: its exit code decides", async () => {
    expect(await outputsOf(`false; echo '{"went":"on"}'`)).toEqual({ went: "on" });
  });

  it("sees its parameters, its own folders, and nothing of ours", async () => {
    const folders = `echo "{\\"empty\\":\\"$(ls -A)\\",\\"home\\":\\"$(ls -A "$HOME")\\",\\"tmp\\":\\"$(ls -A "$TMPDIR")\\"}"`;
    expect(await outputsOf(folders)).toEqual({ empty: "", home: "", tmp: "" });

    const names = await outputsOf(
      `echo "{\\"names\\":\\"$(env | sed 's/=.*//' | sort | tr '\\n' ' ')\\"}"`,
      { parameters: { size: "s" }, environment: { APP_NAME: "shop" } },
    );
    const bashsOwn = "PWD SHLVL";
    expect(names).toEqual({
      names: `APP_NAME HOME INNOMINATUS_STEP_KEY LANG PARAM_SIZE PATH ${bashsOwn} TMPDIR _ `,
    });
  });

  it("finds the key that is the same for every attempt", async () => {
    const script = `echo "{\\"key\\":\\"$INNOMINATUS_STEP_KEY\\"}"`;
    expect(await outputsOf(script)).toEqual({ key: "run-1/only" });
  });

  it("cannot be handed another PATH or HOME by the environment", async () => {
    const environment = { HOME: "/nowhere", PATH: "/nowhere" };
    const { home } = await outputsOf(`echo "{\\"home\\":\\"$HOME\\"}" | cat`, { environment });
    expect(home).toContain(scratch);
  });

  it("has no input to wait for", async () => {
    expect(await outputsOf(`read -r line || echo '{"end":true}'`)).toEqual({ end: true });
  });

  it("is read by nobody else: it is no program's argument, and its file is private", async () => {
    const script = `#zx81-spectrum
      echo "{\\"args\\":\\"$(tr '\\0' ' ' < /proc/$$/cmdline | grep -c zx81)\\",\\"mode\\":\\"$(ls -l "$0" | cut -c1-10)\\"}"`;
    expect(await outputsOf(script)).toMatchObject({ mode: "-rw-------" });
    expect(await outputsOf(script)).not.toMatchObject({ args: "1" });
  });
});

test("parameters become variables: lists and maps as JSON, null left out", () => {
  const parameters = {
    size: "s",
    bucketName: "b",
    "max-conn": 5,
    on: false,
    l: [1],
    m: { a: "x" },
    n: null,
  };
  expect(parameterVariables(parameters)).toEqual({
    PARAM_SIZE: "s",
    PARAM_BUCKET_NAME: "b",
    PARAM_MAX_CONN: "5",
    PARAM_ON: "false",
    PARAM_L: "[1]",
    PARAM_M: '{"a":"x"}',
  });
});

describe("a script that fails", () => {
  const cases: [string, string, RegExp][] = [
    [
      "names its exit code and what it said last",
      "echo on the way; echo no disk >&2; exit 3",
      /exit code 3:\n[^]*no disk/,
    ],
    ["says so when it said nothing", "exit 1", /exit code 1, and said nothing/],
    ["names the signal that killed it", "kill -SEGV $$", /killed by SIGSEGV/],
    ["shows the end of much output, at most 4 KB", "seq 100000; exit 1", /^[^]{0,4200}\n100000$/],
    ["names bash's own complaint", "if then", /syntax error/],
  ];
  test.each(cases)("%s", async (_, script, message) => {
    await expect(run(script)).rejects.toThrow(message);
  });

  it("law 7: shows no secret in its message or its log, however it is written out", async () => {
    const masker = createMasker();
    masker.add("s3cr3t-pa55word");
    const logged: string[] = [];
    const script = `printf 's3cr3t-'; printf 'pa55word'; echo "again: s3cr3t-pa55word" >&2; exit 1`;
    const error = await run(script, { masker }, logged).catch((it: unknown) => it);
    expect(String(error)).toContain("exit code 1");
    expect(String(error)).not.toContain("pa55word");
    expect(logged.join("")).toContain("again:");
    expect(logged.join("")).not.toContain("pa55word");
  });

  it("is not started when its run has to stop already", async () => {
    const signal = AbortSignal.abort(new Error("lease lost"));
    const logged: string[] = [];
    await expect(run("echo started", { signal }, logged)).rejects.toThrow("lease lost");
    expect(logged.join("")).toBe("");
  });

  it("leaves no folder behind, even one that it has locked", async () => {
    const before = await readdir(scratch);
    await run("mkdir -p locked/in; touch locked/in/x; chmod 000 locked/in locked; exit 1").catch(
      () => undefined,
    );
    expect(await readdir(scratch)).toEqual(before);
  });

  it("is not started with a value that no program can be given, nor is the value shown", async () => {
    const error = await run("true", { parameters: { pin: "a\0b" } }).catch((it: unknown) => it);
    expect(String(error)).toBe(
      "PermanentError: PARAM_PIN has a NUL character, which no program can be given",
    );
  });

  it("is not started with more than the system can pass", async () => {
    const parameters = { big: "x".repeat(3_000_000) };
    await expect(run("true", { parameters })).rejects.toThrow("larger than the system passes");
  });
});

describe("a hostile script", () => {
  it("cannot flood the memory: its result is found behind any amount of output", async () => {
    const script = `head -c 30000000 /dev/zero | tr '\\0' x; echo; echo '{"a":1}'`;
    const logged: string[] = [];
    const { outputs } = await run(script, {}, logged);
    expect(outputs).toEqual({ a: 1 });
    expect(logged.join("").length).toBeLessThan(10_000);
    expect(logged.join("")).toContain("line cut");
  });

  it("cannot leave children behind", async () => {
    const { outputs } = await run(`sleep 1000 & echo "{\\"pid\\":$!}"`);
    await expectGone(Number(outputs["pid"]));
  });

  const stubborn = `trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & echo "pid $!"; while :; do sleep 0.05; done`;
  const polite = `trap 'echo "ended well"; exit 0' TERM; echo "pid $$"; while :; do sleep 0.05; done`;
  const slowChild = `(trap 'sleep 0.2; echo "child ended well"; exit 0' TERM; echo "pid $BASHPID"; while :; do sleep 0.05; done) & while :; do sleep 0.05; done`;
  test.each([
    ["ignores SIGTERM", stubborn, ""],
    ["ends well on SIGTERM", polite, "ended well"],
    ["leaves a child that needs a moment to end well", slowChild, "child ended well"],
  ])("is stopped with all its children when it %s", async (_, script, last) => {
    const stop = new AbortController();
    const logged: string[] = [];
    const log = (text: string) => {
      logged.push(text);
      if (text.includes("pid ")) stop.abort(new Error("time is up"));
    };
    await expect(run(script, { log, signal: stop.signal })).rejects.toThrow("time is up");
    expect(logged.join("")).toContain(last);
    await expectGone(Number(/pid (\d+)/.exec(logged.join(""))?.[1]));
  });
});

test("law 6: a script does not outlive the process that runs it, however that was killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-orphan-"));
  await chmod(folder, 0o711);
  const file = join(folder, "pid");
  const script = `trap "" TERM; echo $$ > ${file}.new; mv ${file}.new ${file}; while :; do sleep 0.05; done`;
  const spawning = [...guarded("bash", ["-c", script]), standalone].map((it) => JSON.stringify(it));
  const program = `require("node:child_process").spawn(${spawning.join()})`;
  const controller = spawn(process.execPath, ["-e", program]);
  await until(() => existsSync(file));
  controller.kill("SIGKILL");
  await expectGone(Number(await readFile(file, "utf8")));
  await rm(folder, { recursive: true });
});

test("law 6: a script ends when the process that runs it gives no sign of life", async () => {
  const folder = await mkdtemp(join(tmpdir(), "innominatus-paused-"));
  const file = join(folder, "pid");
  const script = `trap "" TERM; echo $$ > ${file}.new; mv ${file}.new ${file}; while :; do sleep 0.05; done`;
  const [command, args] = guarded("bash", ["-c", script], 500);
  spawn(command, args, standalone);
  await until(() => existsSync(file));
  await expectGone(Number(await readFile(file, "utf8")));
  await rm(folder, { recursive: true });

  const policy = createPolicy({ clock: runningClock, scratch, path, lifelineMs: 1_000 });
  const outlived = await performOnce(policy, { script: `sleep 1.5; echo '{"it":"lives"}'` });
  expect(outlived.outputs).toEqual({ it: "lives" });
});

/** Polled: nothing tells when somebody else's process has gone. A zombie that nobody reaps has. */
async function expectGone(pid: number) {
  expect(pid).toBeGreaterThan(1);
  await until(async () => {
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (status !== "") return / [ZX] /.test(status);
    try {
      process.kill(pid, 0);
      return process.platform === "linux";
    } catch {
      return true;
    }
  });
}

async function until(condition: () => boolean | Promise<boolean>) {
  const giveUp = AbortSignal.timeout(10_000);
  while (!(await condition())) await runningClock.sleep(20, giveUp);
}
