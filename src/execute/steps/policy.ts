/**
 * Step type `policy`: a bash script. As upstream it runs under plain bash, without `-e`: its exit
 * code decides. It sees its parameters and nothing of ours.
 */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import type { Json, JsonRecord } from "../../model/json.ts";
import { lastJsonObject } from "../json-output.ts";
import { lineOutput, tail } from "../line-output.ts";
import { runProcess, type ProcessEnd } from "../process.ts";
import { defineStep, PermanentError, type StepContext, type StepExecutor } from "../step-type.ts";

export interface PolicyTools {
  readonly clock: Clock;
  /** Folder for scripts' own folders; it exists. */
  readonly scratch: string;
  /** Where scripts find their programs: all they get of this process's environment. */
  readonly path: string;
  /** Scripts end when this process gives no sign of life for so long: another may have taken over. */
  readonly lifelineMs?: number;
}

const schema = z.strictObject({ script: z.string().min(1) });

const resultAtMost = 1_048_576;
const messageAtMost = 4_096;

export function createPolicy(tools: PolicyTools): StepExecutor {
  return defineStep({
    type: "policy",
    schema,
    contexts: { "/script": "shell" },
    run: async ({ script }, context) => {
      const folder = await mkdtemp(join(tools.scratch, "policy-"));
      try {
        return { outputs: await runScript(tools, folder, script, context), sensitive: [] };
      } finally {
        await removeFolder(folder);
      }
    },
  });
}

/** @returns the last JSON object on its standard output (its last MiB counts), or no outputs */
async function runScript(
  { clock, path, lifelineMs }: PolicyTools,
  folder: string,
  script: string,
  context: StepContext,
): Promise<JsonRecord> {
  const [cwd, home, temp] = [join(folder, "work"), join(folder, "home"), join(folder, "tmp")];
  for (const it of [cwd, home, temp]) await mkdir(it);
  // In a file and not an argument: everybody on the machine can read a program's arguments.
  const file = join(folder, "script");
  await writeFile(file, script, { mode: 0o600 });

  const said = tail(messageAtMost);
  const listen = () => {
    const masked = context.masker.stream();
    const lines = lineOutput();
    const pass = (text: string) => {
      context.log(text);
      said.add(text);
    };
    const write = (text: string) => pass(lines.write(masked.write(text)));
    const end = () => {
      pass(lines.write(masked.end()));
      pass(lines.end());
    };
    return { write, end };
  };
  const [stdout, stderr] = [listen(), listen()];
  const result = tail(resultAtMost);

  const env = {
    ...parameterVariables(context.parameters),
    ...context.environment,
    PATH: path,
    HOME: home,
    TMPDIR: temp,
    LANG: "C.UTF-8",
    INNOMINATUS_STEP_KEY: context.key,
  };
  rejectNul(env);
  const program = { command: "bash", args: [file], env, cwd };
  const request = { ...program, lifelineMs, stderr: stderr.write };
  const listening = (text: string) => {
    result.add(text);
    stdout.write(text);
  };
  const ended = await runProcess({ ...request, stdout: listening }, clock, context.signal).finally(
    () => {
      stdout.end();
      stderr.end();
    },
  );
  if (ended.code !== 0) throw new Error(describeEnd(ended, said.text()));
  return lastJsonObject(result.text()) ?? {};
}

/** `PARAM_<UPPER_SNAKE>`; lists and maps as JSON; what is null is not there. */
export function parameterVariables(parameters: JsonRecord): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) variables[`PARAM_${upperSnake(name)}`] = asText(value);
  }
  return variables;
}

const upperSnake = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[^A-Za-z0-9]/g, "_")
    .toUpperCase();

const asText = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

function rejectNul(env: Readonly<Record<string, string>>): void {
  const name = Object.keys(env).find((it) => env[it]?.includes("\0"));
  if (name === undefined) return;
  throw new PermanentError(`${name} has a NUL character, which no program can be given`);
}

function describeEnd({ code, signal }: ProcessEnd, said: string): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  const text = said.trim();
  return text === ""
    ? `the script ended with ${how}, and said nothing`
    : `the script ended with ${how}:\n${text}`;
}

/** A script may have locked folders of its own; what then still stays must not hide how it ended. */
async function removeFolder(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 2 });
  await remove()
    .catch(async () => {
      await unlock(folder);
      await remove();
    })
    .catch(() => undefined);
}

async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(folder, entry.name));
  }
}
