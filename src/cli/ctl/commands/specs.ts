/** `deploy`, `delete`, `list` and `status`: what git asks for, as the server knows it. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { shortCommit, visible } from "../../../plan/render/visible.ts";
import { parseDuration } from "../../../provider/duration.ts";
import { screenOf } from "../../context.ts";
import { CommandError } from "../../output/failure.ts";
import { renderListing } from "../../output/listing.ts";
import { runsInCi } from "../../output/paint.ts";
import { createProgress } from "../../output/progress.ts";
import {
  resource,
  spec,
  specDetail,
  submitted,
  type Plan,
  type Resource,
  type Submitted,
} from "../answers.ts";
import { createClient, type Call, type Client } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { follow, type FollowEnd } from "../follow.ts";
import { asJson, facts, printListing, printOne, stateColour, type OutputFlags } from "../print.ts";
import { nameOf, resourceColumns } from "../resources.ts";

export interface DeployFlags extends CtlFlags {
  readonly wait?: boolean;
  readonly timeout?: string;
  readonly verbose?: boolean;
  readonly environment?: string;
  readonly repo?: string;
}

export async function runDeploy(
  context: CtlContext,
  [file = ""]: readonly string[],
  flags: DeployFlags,
): Promise<number> {
  const { name, text } = await readSpec(context, file);
  const timeoutMs = timeoutOf(flags);
  const client = await createClient(context, flags);
  context.stdout.write(`Submitting Score specification: ${visible(name)}\n`);
  const before = await recordedOf(client);
  const answer = await client.call("/api/specs", submitted, {
    method: "POST",
    query: placeOf(flags),
    body: { type: "application/yaml", text },
  });
  context.stdout.write("Spec submitted successfully!\n");
  return ended(context, client, { answer, before, timeoutMs }, flags);
}

export async function runDelete(
  context: CtlContext,
  [name = ""]: readonly string[],
  flags: DeployFlags,
): Promise<number> {
  const timeoutMs = timeoutOf(flags);
  const client = await createClient(context, flags);
  const before = await recordedOf(client);
  const answer = await client.call(`/api/specs/${encodeURIComponent(name)}`, submitted, {
    method: "DELETE",
    query: placeOf(flags),
  });
  context.stdout.write(`${visible(name)} is removed from git\n`);
  return ended(context, client, { answer, before, timeoutMs }, flags);
}

const placeOf = ({ environment, repo }: DeployFlags): NonNullable<Call["query"]> => ({
  environment,
  repository: repo,
});

interface Outcome {
  readonly answer: Submitted;
  readonly before: ReadonlyMap<string, Resource>;
  readonly timeoutMs: number;
}

/** Tells what the commit is and, unless told not to wait, what becomes of it. */
export async function ended(
  context: CtlContext,
  client: Client,
  { answer, before, timeoutMs }: Outcome,
  flags: DeployFlags,
): Promise<number> {
  const { pull_request: pull, commit, plan, environment } = answer;
  const say = (text: string): void => context.stdout.write(`${text}\n`);
  if (pull !== null) {
    say(`Pull request #${pull.number} is open: ${visible(pull.url)}`);
    say("Nothing changes before it is merged");
    return 0;
  }
  if (answer.changed) {
    say(`Commit ${shortCommit(commit)} on ${visible(answer.branch)}: ${visible(answer.file)}`);
  } else say(`Git has exactly this already, at ${shortCommit(commit)}`);
  const wanted = operationsOf(answer);
  if (flags.verbose === true) {
    for (const it of wanted) {
      say(`  ${visible(it.operation)} ${visible(it.uid)} with ${visible(it.provider)}`);
    }
  }
  if (flags.wait === false) return 0;
  if (plan === null) {
    say("The server does not say what follows: see `innominatus-ctl list-resources`");
    return 0;
  }
  if (wanted.length === 0) {
    say("Nothing to do: everything is as it asks for");
    return 0;
  }
  const screen = screenOf(context);
  // A log of a build is no terminal, whatever it says.
  const live = runsInCi(context.env) ? { ...screen, columns: undefined } : screen;
  const progress = createProgress((text) => context.stdout.write(text), live, context.clock);
  const following = { operations: wanted, environment: plan.environment || environment, commit };
  let end: FollowEnd;
  try {
    end = await follow(
      client,
      { ...following, before, timeoutMs },
      progress,
      context.clock,
      context.stop,
    );
  } catch (error) {
    if (context.stop.aborted) {
      context.stderr.write("The server goes on with it; only the watching has ended\n");
    }
    throw error;
  }
  progress.end();
  return verdict(end, answer.name);
}

/** The plan is for the whole environment: what others wait for there is not ours to wait for. */
const operationsOf = ({ plan, name }: Submitted): Plan["operations"] =>
  (plan?.operations ?? []).filter(
    (it) => it.operation !== "none" && (it.workload === name || it.workload === ""),
  );

function verdict(end: FollowEnd, name: string): number {
  const status = `see \`innominatus-ctl status ${visible(name)}\``;
  switch (end) {
    case "done":
      return 0;
    case "failed":
      throw new CommandError(
        "not everything became what it should",
        visible(name),
        `${status}, and \`innominatus-ctl why RESOURCE\``,
      );
    case "held":
      throw new CommandError(
        "something is held",
        visible(name),
        `${status}: it says what lets it go on`,
      );
    case "timed-out":
      throw new CommandError(
        "it is not done in time",
        "--timeout",
        `the server goes on with it: ${status}`,
        {
          exitCode: 3,
        },
      );
  }
}

async function recordedOf(client: Client): Promise<ReadonlyMap<string, Resource>> {
  const all = await client.list("/api/resources", resource);
  return new Map(all.map((it) => [nameOf(it), it]));
}

export function timeoutOf({ timeout = "10m" }: DeployFlags): number {
  const ms = parseDuration(timeout);
  if (ms !== undefined) return ms;
  const next = "write it like 90s, 10m or 1h30m";
  throw new CommandError(`"${timeout}" is no duration`, "--timeout", next, { exitCode: 2 });
}

const mostBytes = 1024 * 1024;
/** The name only: what else is wrong with it, the server says whole. */
export async function readSpec(
  context: CtlContext,
  file: string,
): Promise<{ readonly name: string; readonly text: string }> {
  const text = await readText(context, file);
  const names = parseAllDocuments(text, { logLevel: "silent" }).flatMap((it) => {
    const metadata = it.errors.length > 0 ? undefined : it.getIn(["metadata", "name"]);
    return typeof metadata === "string" ? [metadata] : [];
  });
  if (names.length > 0) return { name: names.join(", "), text };
  const next = "run `innominatus-ctl validate` on it: it says what is wrong, and where";
  throw new CommandError("this is no Score spec: it has no metadata.name", file, next);
}

/** Of a file, or of standard input for `-`; bounded. */
export async function readText(context: CtlContext, file: string): Promise<string> {
  const path = resolve(context.cwd, file);
  const text = await (file === "-" ? context.stdin.readAll() : readFile(path, "utf8")).catch(
    (error: unknown) => {
      const next = "check its path";
      throw new CommandError("the file cannot be read", file, next, { cause: error });
    },
  );
  if (text.length > mostBytes) {
    throw new CommandError("the file is larger than 1 MiB", file, "a Score spec is much smaller");
  }
  return text;
}

export interface ListFlags extends OutputFlags {
  readonly environment?: string;
}

export async function runList(
  context: CtlContext,
  _: readonly string[],
  flags: ListFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/specs", spec, { environment: flags.environment });
  printListing(
    context,
    [
      { title: "name", text: (it) => it.name },
      { title: "environment", text: (it) => it.environment },
      { title: "ready", text: (it) => it.ready, colour: (it) => stateColour(it.ready) },
      { title: "reason", text: (it) => it.reason },
      { title: "commit", text: (it) => shortCommit(it.commit) },
      { title: "message", text: (it) => it.message },
    ],
    rows,
    "nothing is deployed",
    flags,
  );
  return 0;
}

export async function runAppStatus(
  context: CtlContext,
  [name = ""]: readonly string[],
  flags: ListFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const query = { environment: flags.environment };
  const found = await client.call(`/api/specs/${encodeURIComponent(name)}`, specDetail, { query });
  const resources = await client.list("/api/resources", resource, { app: name, ...query });
  const standing = resources.filter((it) => it.state !== "terminated");
  printOne(
    context,
    { ...asRecord(found), resources: standing },
    (paint) => {
      const listing = {
        columns: resourceColumns(context.clock.now()),
        json: asJson,
        empty: "no resources",
      };
      return `${facts(paint, [
        ["name", found.name],
        ["environment", found.environment],
        ["ready", `${found.ready}, ${found.reason}`],
        ["message", found.message],
        ["file", found.file],
        ["commit", shortCommit(found.commit)],
      ])}\n${renderListing(listing, standing, "table", screenOf(context))}`;
    },
    flags,
  );
  return 0;
}

const asRecord = (value: unknown) => z.record(z.string(), z.unknown()).parse(value);
