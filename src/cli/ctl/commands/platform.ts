/** `list-providers`, `plan`, `approve`, `stats`, `environments` and the graph of a workload. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { z } from "zod";
import { shortCommit, utc, visible } from "../../../plan/render/visible.ts";
import { CommandError } from "../../output/failure.ts";
import { environment, graph, outcome, provider, recordedPlan, record } from "../answers.ts";
import { createClient, jsonBody } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { facts, printListing, printOne, stateColour, type OutputFlags } from "../print.ts";
import { limitOf } from "./resources.ts";
import type { ListFlags } from "./specs.ts";

export async function runProviders(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/providers", provider);
  printListing(
    context,
    [
      { title: "name", text: (it) => it.name },
      { title: "version", text: (it) => it.version },
      { title: "category", text: (it) => it.category },
      { title: "workflows", text: (it) => String(it.workflows.length) },
      { title: "description", text: (it) => it.description },
    ],
    rows,
    "no providers",
    flags,
  );
  return 0;
}

export interface PlanFlags extends ListFlags {
  readonly limit?: string;
}

export async function runPlans(
  context: CtlContext,
  _: readonly string[],
  flags: PlanFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const query = { environment: flags.environment };
  const rows = await client.list("/api/plans", recordedPlan, query, limitOf(flags));
  printListing(
    context,
    [
      { title: "hash", text: (it) => it.hash.slice(0, 12) },
      { title: "environment", text: (it) => it.environment },
      { title: "commit", text: (it) => shortCommit(it.commit) },
      { title: "seen", text: (it) => (it.seen_at === "" ? "" : utc(it.seen_at)) },
      {
        title: "operations",
        text: (it) => String(it.operations.filter(({ operation }) => operation !== "none").length),
      },
      {
        title: "approval",
        text: (it) => (it.approved ? "approved" : it.needs_approval && it.current ? "wanted" : ""),
        colour: (it) => (it.approved ? "green" : "yellow"),
      },
      { title: "subject", text: (it) => it.subject },
    ],
    rows,
    "no plans",
    flags,
  );
  return 0;
}

export interface ApproveFlags extends CtlFlags {
  readonly reason?: string;
}

/** A prefix of eight characters or more will do, of a current plan. */
export async function runApprove(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: ApproveFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const plans = await client.list("/api/plans", recordedPlan, {}, 500);
  const found = plans.find((it) => given.length >= 8 && it.hash.startsWith(given));
  const path = `/api/plans/${encodeURIComponent(found?.hash ?? given)}/approve`;
  const body = jsonBody({ reason: flags.reason ?? "" });
  const { message } = await client.call(path, outcome, { method: "POST", body });
  const text = message === "" ? `${found?.hash ?? given} is approved` : message;
  context.stdout.write(`${visible(text)}\n`);
  return 0;
}

export async function runStats(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await client.call("/api/stats", record);
  printOne(context, found, (paint) => facts(paint, shownFacts(found)), flags);
  return 0;
}

const shownFacts = (found: z.output<typeof record>) =>
  Object.entries(found).map(
    ([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );

/** Upstream's `provider stats`. */
export async function runProviderStats(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await client.call("/api/providers/stats", record);
  printOne(context, found, (paint) => facts(paint, shownFacts(found)), flags);
  return 0;
}

/** Exits with 1 where a provider has mistakes: the others are read all the same. */
export async function runReload(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await client.call("/api/admin/reload", record, { method: "POST" });
  printOne(context, found, (paint) => facts(paint, shownFacts(found)), flags);
  return found["success"] === false ? 1 : 0;
}

export async function runEnvironments(
  context: CtlContext,
  _: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const rows = await client.list("/api/environments", environment);
  printListing(
    context,
    [
      { title: "environment", text: (it) => it.name },
      { title: "repository", text: (it) => it.repository },
      { title: "branch", text: (it) => it.branch },
      { title: "applied", text: (it) => shortCommit(it.applied_commit ?? "") },
      { title: "observed", text: (it) => shortCommit(it.observed_commit ?? "") },
      { title: "reason", text: (it) => it.reason },
      { title: "message", text: (it) => it.message },
    ],
    rows,
    "no environments",
    flags,
  );
  return 0;
}

export interface GraphExportFlags extends CtlFlags {
  readonly format: string;
  readonly output?: string;
}

export async function runGraphExport(
  context: CtlContext,
  [app = ""]: readonly string[],
  flags: GraphExportFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const path = `/api/graph/${encodeURIComponent(app)}/export`;
  const text = await client.text(path, { query: { format: flags.format }, accept: "*/*" });
  if (flags.output === undefined || flags.output === "-") {
    context.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    return 0;
  }
  await writeFile(resolve(context.cwd, flags.output), text).catch((error: unknown) => {
    const next = "check the folder, and whether you may write there";
    throw new CommandError("writing the graph", flags.output ?? "", next, { cause: error });
  });
  context.stdout.write(`${flags.format} of ${visible(app)} is in ${flags.output}\n`);
  return 0;
}

export async function runGraphStatus(
  context: CtlContext,
  [app = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { nodes } = await client.call(`/api/graph/${encodeURIComponent(app)}`, graph);
  printListing(
    context,
    [
      { title: "type", text: (it) => it.type },
      { title: "name", text: (it) => it.name },
      { title: "status", text: (it) => it.status, colour: (it) => stateColour(it.status) },
      { title: "description", text: (it) => it.description },
    ],
    nodes,
    "nothing is known of it",
    flags,
  );
  return 0;
}
