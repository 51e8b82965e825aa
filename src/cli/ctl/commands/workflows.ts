/** `workflow list|detail|logs`, `logs` and `cancel`: runs, in upstream's words. */
import { z } from "zod";
import { shortCommit, visible } from "../../../plan/render/visible.ts";
import { screenOf } from "../../context.ts";
import { between, duration } from "../../output/elapsed.ts";
import { CommandError } from "../../output/failure.ts";
import type { Listing } from "../../output/listing.ts";
import { logText } from "../../output/records.ts";
import { padTo } from "../../output/width.ts";
import { logLine, outcome, workflow, type Workflow } from "../answers.ts";
import { createClient, type Client } from "../client.ts";
import type { CtlContext, CtlFlags } from "../context.ts";
import { facts, printListing, printOne, stateColour, type OutputFlags } from "../print.ts";
import { serverEvents } from "../server-events.ts";
import { limitOf } from "./resources.ts";

export interface WorkflowListFlags extends OutputFlags {
  readonly status?: string;
  readonly limit?: string;
}

const columns = (now: Date): Listing<Workflow>["columns"] => [
  { title: "id", text: (it) => it.id },
  { title: "workflow", text: (it) => it.workflow_name },
  { title: "resource", text: (it) => it.resource_uid || it.application_name },
  { title: "status", text: (it) => it.status, colour: (it) => stateColour(it.status) },
  { title: "steps", text: (it) => `${it.completed_steps}/${it.total_steps}` },
  {
    title: "took",
    text: (it) => (it.started_at === null ? "" : between(it.started_at, it.completed_at ?? now)),
  },
  { title: "message", text: (it) => it.error_message ?? "" },
];

export async function runWorkflowList(
  context: CtlContext,
  [app]: readonly string[],
  flags: WorkflowListFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const query = { app, status: flags.status };
  const rows = await client.list("/api/workflows", workflow, query, limitOf(flags));
  printListing(context, columns(context.clock.now()), rows, "no workflows have run", flags);
  return 0;
}

export async function runWorkflowDetail(
  context: CtlContext,
  [id = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const found = await findWorkflow(client, id);
  const now = context.clock.now();
  printOne(
    context,
    found,
    (paint) => {
      const own = facts(paint, [
        ["workflow", found.workflow_name],
        ["id", found.id],
        ["resource", found.resource_uid],
        ["application", found.application_name],
        ["operation", found.operation],
        ["status", found.status],
        ["message", found.error_message ?? ""],
        ["attempt", found.attempt > 1 ? String(found.attempt) : ""],
        ["commit", shortCommit(found.commit)],
        [
          "took",
          found.started_at === null ? "" : between(found.started_at, found.completed_at ?? now),
        ],
      ]);
      const width = Math.max(0, ...found.steps.map((it) => it.step_name.length));
      const steps = found.steps.map((it) => {
        const colour = paint[stateColour(it.status) ?? "cyan"];
        const took = it.duration_ms === null ? "" : `  ${paint.dim(duration(it.duration_ms))}`;
        const error = it.error_message === null ? "" : `\n     ${visible(it.error_message)}`;
        const name = padTo(visible(it.step_name), width);
        return `  ${it.step_number}  ${name}  ${visible(it.step_type)}  ${colour(it.status)}${took}${error}\n`;
      });
      return steps.length === 0 ? own : `${own}\n${paint.bold("STEPS")}\n${steps.join("")}`;
    },
    flags,
  );
  return 0;
}

/** By id, or by the end of one, as listings are read. */
async function findWorkflow(client: Client, given: string): Promise<Workflow> {
  if (given.length >= 36 || /^\d+$/.test(given)) {
    return client.call(`/api/workflows/${encodeURIComponent(given)}`, workflow);
  }
  const all = await client.list("/api/workflows", workflow, {}, 500);
  const [first, second] = all.filter((it) => it.id.endsWith(given));
  if (first !== undefined && second === undefined) {
    return client.call(`/api/workflows/${encodeURIComponent(first.id)}`, workflow);
  }
  throw new CommandError(
    first === undefined ? `there is no run ${visible(given)}` : `several runs end with ${given}`,
    client.server,
    "list them with `innominatus-ctl workflow list`",
  );
}

export interface LogsFlags extends CtlFlags {
  readonly follow?: boolean;
  readonly step?: string;
  readonly tail?: string;
}

export async function runLogs(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: LogsFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id } = await findWorkflow(client, given);
  const { paint } = screenOf(context);
  const path = `/api/workflows/${encodeURIComponent(id)}/logs`;
  const wanted = (step: string): boolean => flags.step === undefined || flags.step === step;
  if (flags.follow !== true) {
    const lines = (await allLines(client, path)).filter((it) => wanted(it.step));
    const last = flags.tail === undefined ? lines : lines.slice(-limitOf({ limit: flags.tail }));
    for (const it of last) context.stdout.write(logText(it, paint));
    return 0;
  }
  for await (const it of serverEvents(context, client, path, { follow: "true" })) {
    if (it.event !== "log" && it.event !== "message") continue;
    const line = logLine.safeParse(JSON.parse(it.data));
    if (line.success && wanted(line.data.step)) context.stdout.write(logText(line.data, paint));
  }
  const { status, error_message: message } = await findWorkflow(client, id);
  if (status !== "failed") return 0;
  context.stderr.write(`failed: ${visible(message ?? "")}\n`);
  return 1;
}

const linesAtOnce = 1_000;

/** By the last line's id, as servers of before the logs had pages know it, too. */
async function allLines(client: Client, path: string): Promise<z.output<typeof logLine>[]> {
  const lines: z.output<typeof logLine>[] = [];
  for (;;) {
    const after = lines.at(-1)?.id;
    const query = { limit: String(linesAtOnce), after };
    const more = await client.call(path, z.array(logLine), { query });
    lines.push(...more);
    // A server that knows no `after` would give the same lines for ever.
    if (more.length < linesAtOnce || more.at(-1)?.id === after) return lines;
  }
}

export async function runCancel(
  context: CtlContext,
  [given = ""]: readonly string[],
  flags: CtlFlags,
): Promise<number> {
  const client = await createClient(context, flags);
  const { id } = await findWorkflow(client, given);
  const path = `/api/workflows/${encodeURIComponent(id)}/cancel`;
  const { message } = await client.call(path, outcome, { method: "POST" });
  context.stdout.write(
    `${visible(message === "" ? `${id} ends with its current step` : message)}\n`,
  );
  return 0;
}
