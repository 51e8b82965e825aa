/** `innominatus provider new` and `innominatus provider test`: for whoever writes one. */
import { join, resolve } from "node:path";
import { runCase } from "../../conformance/cases.ts";
import { tryProvider, withScratch, type Trial } from "../../conformance/conformance.ts";
import {
  manifestIn,
  readProviderFolder,
  type ProviderFolder,
} from "../../conformance/provider-folder.ts";
import { isError } from "../../model/problem.ts";
import { parseDuration } from "../../provider/duration.ts";
import type { Provider } from "../../provider/provider.ts";
import {
  home,
  screenOf,
  settingsFor,
  type CommandContext,
  type GlobalOptions,
} from "../context.ts";
import { nameIn } from "../files.ts";
import { CommandError } from "../output/failure.ts";
import {
  caseText,
  providerTestJson,
  providerTestText,
  trialText,
  type ProviderTest,
} from "../output/provider-test.ts";
import { copyFiles, refuseFilled, repositoryAbove, writeSchemas } from "../scaffold.ts";

const usage = { exitCode: 2 } as const;

export interface ProviderNewFlags {
  readonly dir?: string;
  readonly type?: string;
}

export async function runProviderNew(
  context: CommandContext,
  name: string,
  flags: ProviderNewFlags,
): Promise<number> {
  const type = flags.type ?? name.replace(/-(team|provider)$/, "");
  for (const [given, where] of [
    [name, "NAME"],
    [type, "--type"],
  ] as const) {
    if (/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(given)) continue;
    const next = "use 2 to 63 of a-z, 0-9 and -, with a letter first";
    throw new CommandError(`"${given}" is no name for it`, where, next, usage);
  }
  const given = flags.dir ?? join("providers", name);
  const folder = resolve(context.cwd, given);
  refuseFilled(folder, given);
  const root = repositoryAbove(folder) ?? folder;
  const rewrite = (text: string): string =>
    text.replaceAll("sample-team", name).replaceAll(/(?<![\w.-])sample\b|(?<=-)sample\b/g, type);
  const names = copyFiles(join(home, "templates", "provider"), folder, root, {
    text: rewrite,
    name: (it) => it.replaceAll("sample", type),
  });
  writeSchemas(root);
  const shown = nameIn(context.cwd, folder) || ".";
  context.stdout.write(
    [
      `made the provider ${name}, which serves the type ${type}, in ${shown}:`,
      ...names.map((it) => `  ${it}`),
      "",
      "next:",
      `  innominatus provider test ${shown}`,
      `  put what your team really offers in place of the file that workflows/create-${type}.yaml writes`,
      "",
    ].join("\n"),
  );
  return 0;
}

export interface ProviderTestFlags extends GlobalOptions {
  /** False with `--no-conformance`. */
  readonly conformance: boolean;
  readonly only?: string;
  readonly timeout: string;
  readonly output: "text" | "json";
}

export async function runProviderTest(
  context: CommandContext,
  given: string,
  flags: ProviderTestFlags,
): Promise<number> {
  const timeoutMs = parseDuration(flags.timeout);
  if (timeoutMs === undefined || timeoutMs === 0) {
    const next = "use a number with a unit, like 30s or 5m";
    throw new CommandError(`"${flags.timeout}" is no duration`, "--timeout", next, usage);
  }
  const path = resolve(context.cwd, given);
  const manifest = manifestIn(path);
  if (manifest === undefined) {
    const next = "name a provider's folder, or make one with `innominatus provider new`";
    throw new CommandError("there is no provider.yaml", given, next, usage);
  }
  const folder = readProviderFolder(path, manifest);
  const { provider } = folder;
  if (flags.only !== undefined && provider !== undefined) refuseUnknownType(provider, flags.only);

  const view = { paint: screenOf(context).paint, folder: nameIn(context.cwd, path) };
  const say = (text: string): void => {
    if (flags.output === "text") context.stdout.write(text);
  };
  const test = await runTests(context, folder, flags, timeoutMs, {
    onCase: (it) => say(caseText(it, folder, view)),
    onTrial: (it) => say(trialText(it, view)),
  });
  if (flags.output === "json") {
    context.stdout.write(`${JSON.stringify(providerTestJson(test), null, 2)}\n`);
  } else context.stdout.write(providerTestText(test, folder, view));
  const failed =
    test.problems.some(isError) ||
    test.cases.some((it) => it.problems.length > 0) ||
    test.trials.some((it) => it.state === "failed");
  return failed ? 1 : 0;
}

interface Listener {
  onCase(result: ProviderTest["cases"][number]): void;
  onTrial(trial: Trial): void;
}

/** A provider with mistakes in its files is not tried out: what would come of it says nothing. */
async function runTests(
  context: CommandContext,
  { provider, cases, conformance, problems }: ProviderFolder,
  flags: ProviderTestFlags,
  timeoutMs: number,
  listener: Listener,
): Promise<ProviderTest> {
  if (provider === undefined || problems.some(isError)) {
    return { provider, problems, cases: [], trials: [] };
  }
  const { clock, random, stop: signal, env } = context;
  const path = env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  const { connections } = settingsFor(context, flags, { logLevel: "warn" });
  const results = await withScratch(path, clock, connections, async (executors) =>
    cases.map((it) => {
      const result = runCase(it, provider, executors);
      listener.onCase(result);
      return result;
    }),
  );
  const trials: Trial[] = [];
  if (flags.conformance) {
    const settings = conformance;
    const options = { settings, connections, path, clock, random, signal, timeoutMs };
    for await (const trial of tryProvider(provider, { ...options, only: flags.only })) {
      listener.onTrial(trial);
      trials.push(trial);
    }
  }
  return { provider, problems, cases: results, trials };
}

function refuseUnknownType({ name, capabilities }: Provider, only: string): void {
  if (capabilities.some(({ type }) => type === only)) return;
  const next = `it serves: ${capabilities.map(({ type }) => type).join(", ") || "nothing"}`;
  throw new CommandError(`${name} serves no type "${only}"`, "--only", next, usage);
}
