/** `list-goldenpaths` and `run`: golden paths of providers, and the lines that ask for what one makes. */
import { CommandError } from "../../output/failure.ts";
import { goldenPath } from "../answers.ts";
import { createClient, jsonBody } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { printListing, type OutputFlags } from "../print.ts";
import { ask } from "./administration.ts";
import { readSpec } from "./specs.ts";

export async function runGoldenPaths(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/golden-paths", goldenPath);
  printListing(
    context,
    [
      { title: "name", text: (it) => it.name },
      { title: "provider", text: (it) => it.provider },
      { title: "parameters", text: (it) => it.parameters.map(({ name }) => name).join(", ") },
      { title: "description", text: (it) => it.description },
    ],
    rows,
    "no golden paths",
    flags,
  );
  return 0;
}

export interface RunFlags extends CtlFlags {
  readonly param?: readonly string[];
}

/** The server says what to write in git: nothing runs that git does not ask for. */
export async function runGoldenPath(
  context: CtlContext,
  [name = "", file]: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const parameters = Object.fromEntries((flags.param ?? []).map(pair));
  const application =
    file === undefined ? {} : { application: (await readSpec(context, file)).name };
  const client = await createClient(context, flags);
  const path = `/api/workflows/golden-paths/${encodeURIComponent(name)}/execute`;
  const body = jsonBody({ ...application, parameters });
  return ask(context, client, path, { method: "POST", body });
}

function pair(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  const next = "write it like --param size=small";
  throw new CommandError(`"${text}" is no parameter`, "--param", next, { exitCode: 2 });
}
