/** `list-resources`, `resource get|delete|retry`, `why` and `secret get`. */
import { parseDocument } from "yaml";
import { z } from "zod";
import { counted, utc, visible } from "../../../plan/render/visible.ts";
import { CommandError } from "../../output/failure.ts";
import {
  event,
  outcome,
  record,
  resource,
  secretValue,
  specDetail,
  submitted,
  workflow,
  type Resource,
} from "../answers.ts";
import { createClient, jsonBody, type Client } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { facts, printListing, printOne, type OutputFlags } from "../print.ts";
import { findResource, nameOf, remarkOf, resourceColumns, stateOf } from "../resources.ts";
import { ask } from "./administration.ts";
import { ended, timeoutOf, type DeployFlags, type ListFlags } from "./specs.ts";

export interface ListResourcesFlags extends ListFlags {
  readonly type?: string;
  readonly state?: string;
}

export async function runListResources(
  context: CtlContext,
  [app]: readonly string[],
  flags: ListResourcesFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { type, state, environment } = flags;
  const rows = await client.list("/api/resources", resource, { app, type, state, environment });
  // A server that knows no filter of these answers with all of them.
  const fits = (it: Resource): boolean =>
    (app === undefined || it.application_name === app) &&
    (type === undefined || it.resource_type === type) &&
    (state === undefined ? it.state !== "terminated" : [it.state, stateOf(it)].includes(state));
  printListing(
    context,
    resourceColumns(context.clock.now()),
    rows.filter(fits),
    "no resources",
    flags,
  );
  return 0;
}

export async function runResourceGet(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id } = await findResource(client, given);
  const found = await client.call(`/api/resources/${encodeURIComponent(id)}`, resource);
  const { outputs, secret_refs: secrets } = found.provider_metadata;
  printOne(
    context,
    found,
    (paint) => {
      const own = facts(paint, [
        ["resource", nameOf(found)],
        ["id", found.id],
        ["application", found.application_name],
        ["environment", found.environment],
        ["state", stateOf(found)],
        ["message", remarkOf(found)],
        ["provider", found.provider_id],
        ["workflow", found.workflow_execution_id ?? ""],
        ["file", found.file],
        ["updated", found.updated_at === "" ? "" : utc(found.updated_at)],
      ]);
      const lines = [
        ...Object.entries(outputs)
          .filter(([key]) => !Object.hasOwn(secrets, key))
          .map(([key, value]) => [key, shown(value)] as const),
        ...Object.entries(secrets).map(([key, reference]) => [key, reference] as const),
      ];
      return lines.length === 0 ? own : `${own}\n${paint.bold("OUTPUTS")}\n${facts(paint, lines)}`;
    },
    flags,
  );
  return 0;
}

const shown = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** Takes it out of its spec, in git, where it is asked for: the controller does the rest. */
export async function runResourceDelete(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: DeployFlags,
): Promise<number> {
  const timeoutMs = timeoutOf(flags);
  const client = await createClient(context, flags);
  const found = await findResource(client, given);
  const { application_name: app, resource_name: name, environment } = found;
  const path = `/api/specs/${encodeURIComponent(app)}`;
  const { content } = await client.call(path, specDetail, { query: { environment } });
  const text = content === null ? undefined : without(content, app, name);
  if (text === undefined) {
    const next = "remove it from the file that asks for it, in git";
    throw new CommandError(`the spec of ${app} does not ask for "${name}"`, found.file, next);
  }
  const answer = await client.call("/api/specs", submitted, {
    method: "POST",
    query: { environment },
    body: { type: "application/yaml", text },
  });
  context.stdout.write(`${visible(nameOf(found))} is removed from ${visible(answer.file)}\n`);
  const before = new Map([[nameOf(found), found]]);
  return ended(context, client, { answer, before, timeoutMs }, flags);
}

/** With its comments; `undefined` where it is not asked for. */
function without(content: string, app: string, name: string): string | undefined {
  const documents = content.split(/^---[ \t]*$/m);
  for (const [index, text] of documents.entries()) {
    const document = parseDocument(text, { logLevel: "silent" });
    const isIt =
      document.errors.length === 0 &&
      document.getIn(["metadata", "name"]) === app &&
      document.hasIn(["resources", name]);
    if (!isIt) continue;
    document.deleteIn(["resources", name]);
    return documents.with(index, String(document)).join("---");
  }
  return undefined;
}

/** Exits with 1 for what has failed, so that scripts need not read the text. */
export async function runResourceHealth(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await findResource(client, given);
  const { health_status: health } = found;
  printOne(
    context,
    { id: found.id, uid: found.uid, state: found.state, health_status: health },
    (paint) =>
      facts(paint, [
        ["resource", nameOf(found)],
        ["health", health],
        ["state", stateOf(found)],
        ["message", remarkOf(found)],
      ]),
    flags,
  );
  return health === "unhealthy" ? 1 : 0;
}

/** The server says where it is declared: nothing is changed behind git's back. */
export async function runResourceUpdate(
  context: CtlContext,
  [given = "", params = ""]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const configuration = paramsOf(params);
  const client = await createClient(context, flags);
  const { id } = await findResource(client, given);
  const body = jsonBody({ configuration });
  return ask(context, client, `/api/resources/${encodeURIComponent(id)}`, { method: "PUT", body });
}

export async function runResourceTransition(
  context: CtlContext,
  [given = "", state = ""]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id } = await findResource(client, given);
  const body = jsonBody({ state });
  return ask(context, client, `/api/resources/${encodeURIComponent(id)}`, { method: "PUT", body });
}

/** As upstream: a JSON object. */
function paramsOf(text: string): z.output<typeof record> {
  try {
    const read = record.safeParse(JSON.parse(text));
    if (read.success) return read.data;
  } catch {
    // Said below, as for any other text that is no object.
  }
  const next = `write it like '{"size":"small"}'`;
  throw new CommandError("this is no JSON object", visible(text), next, { exitCode: 2 });
}

/** Of a resource or, as upstream has it, of a workflow execution: then its resource is tried again. */
export async function runRetry(
  context: CtlContext,
  [given = "", file]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  if (file !== undefined) {
    context.stderr.write(`note: ${visible(file)} is not read: the spec in git is what counts\n`);
  }
  const it = await resourceToRetry(client, given);
  const path = `/api/resources/${encodeURIComponent(it.id)}/retry`;
  const { message } = await client.call(path, outcome, { method: "POST" });
  const name = nameOf(it);
  context.stdout.write(`${visible(message === "" ? `${name} is tried again` : message)}\n`);
  return 0;
}

async function resourceToRetry(client: Client, given: string): Promise<Resource> {
  if (!/^[0-9a-f-]+$/i.test(given)) return findResource(client, given);
  const run = await client
    .call(`/api/workflows/${encodeURIComponent(given)}`, workflow)
    .catch((error: unknown) => {
      if (error instanceof CommandError && error.exitCode === 1) return undefined;
      throw error;
    });
  return findResource(client, run === undefined ? given : (run.resource_id ?? run.resource_uid));
}

export async function runWhy(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id } = await findResource(client, given);
  const path = `/api/resources/${encodeURIComponent(id)}/why`;
  const answer = await client.call(path, explanation);
  // What the server would have typed on its own machine.
  const text = answer.text.replaceAll(/`?\binnominatus (?=(approve|retry|why)\b)/g, (it) =>
    it.replace("innominatus", "innominatus-ctl"),
  );
  printOne(context, answer, () => `${text.trimEnd()}\n`, flags);
  return 0;
}

const explanation = z.looseObject({ text: z.string() });

/** The value and nothing else; on a terminal, with a line break after it. */
export async function runSecretGet(
  context: CtlContext,
  [given = "", key]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id, name } = await secretOf(client, given, key);
  const path = `/api/resources/${encodeURIComponent(id)}/secrets/${encodeURIComponent(name)}`;
  const { value } = await client.call(path, secretValue);
  context.stdout.write(context.stdout.isTTY ? `${value}\n` : value);
  return 0;
}

/** By resource and key, or by the reference that listings show. */
async function secretOf(
  client: Client,
  given: string,
  key: string | undefined,
): Promise<{ readonly id: string; readonly name: string }> {
  const of = (it: Resource): [string, string][] => Object.entries(it.provider_metadata.secret_refs);
  if (!given.includes("://")) {
    const found = await findResource(client, given);
    const names = of(found).map(([name]) => name);
    if (key !== undefined) return { id: found.id, name: key };
    const [only, second] = names;
    if (only !== undefined && second === undefined) return { id: found.id, name: only };
    const next = names.length === 0 ? "it has none" : `add its key: ${names.join(", ")}`;
    throw new CommandError("which secret?", nameOf(found), next, { exitCode: 2 });
  }
  for (const it of await client.list("/api/resources", resource)) {
    const found = of(it).find(([, reference]) => reference === given);
    if (found !== undefined) return { id: it.id, name: found[0] };
  }
  const next = "see `innominatus-ctl resource get RESOURCE`: it lists what there is";
  throw new CommandError("no resource has this reference", visible(given), next);
}

export interface EventsFlags extends OutputFlags {
  readonly limit?: string;
}

export async function runEvents(
  context: CtlContext,
  [app]: readonly string[],
  flags: EventsFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const limit = limitOf(flags);
  const rows = await client.list("/api/events", event, { app }, limit);
  printListing(
    context,
    [
      { title: "at", text: (it) => utc(it.at) },
      { title: "event", text: (it) => it.type },
      { title: "actor", text: (it) => it.actor },
      { title: "resource", text: (it) => it.resource_uid ?? "" },
    ],
    rows,
    "no events",
    flags,
  );
  if (rows.length === limit) context.stderr.write(`the newest ${counted(limit, "event")}\n`);
  return 0;
}

export function limitOf({ limit = "50" }: { readonly limit?: string }): number {
  const count = Number(limit);
  if (Number.isInteger(count) && count > 0) return count;
  const next = "use a whole number from 1";
  throw new CommandError(`"${limit}" is no count`, "--limit", next, { exitCode: 2 });
}
