/**
 * Commands in comments. Whoever wrote one has to have write access at the moment it is read; what it
 * does and that it was done is one transaction, and the reaction follows, however often it takes.
 */
import type { Scope, Uid } from "../model/uid.ts";
import { clippedCode, fenced } from "../plan/render/markdown-text.ts";
import { commandIn, type Command } from "../report/comment/command.ts";
import { commandLines } from "../report/comment/open.ts";
import type { Comment, Forge, Permission, Reaction } from "../report/forge/forge.ts";
import { isNotFound } from "../report/forge/forge-error.ts";
import { approvePlan } from "../store/approvals.ts";
import type { Queryable } from "../store/database.ts";
import { readEnvironment } from "../store/environments.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import { listResources, resetFailures } from "../store/resources.ts";
import {
  saveReacted,
  takeCommand,
  takenCommands,
  unansweredCommands,
} from "../store/pull-request-commands.ts";
import {
  forgetComments,
  readPullRequest,
  saveAnswer,
  type PullRequestRecord,
} from "../store/pull-requests.ts";
import { plansOf } from "./pull-request-record.ts";
import type { Services } from "./services.ts";

export interface CommandContext {
  readonly services: Pick<Services, "db" | "clock" | "log">;
  readonly repository: string;
  readonly forge: Forge;
  /** The environments of a pull request's target branch. */
  readonly environmentsOf: (base: string) => readonly string[];
  /** What `innominatus why` says, as plain text. */
  readonly explain: (scope: Scope, uid: Uid) => Promise<string>;
  /** Has it planned again. */
  readonly replan: (number: number) => void;
}

interface Answer {
  readonly outcome: string;
  readonly reaction: Reaction;
  /** Markdown. */
  readonly text?: string;
  readonly apply?: (tx: Queryable) => Promise<void>;
  readonly facts: readonly Fact[];
}

/** @returns pull requests whose comment of ours was changed by somebody else */
export async function answerCommands(
  context: CommandContext,
  comments: readonly Comment[],
  signal: AbortSignal,
): Promise<void> {
  const { services, repository } = context;
  const { db } = services;
  const asked = comments.flatMap((comment) => {
    const command = comment.own ? undefined : commandIn(comment.body);
    return command === undefined ? [] : [{ comment, command }];
  });
  const ids = asked.map((it) => it.comment.id);
  const taken = await takenCommands(db, repository, ids);
  for (const { comment, command } of asked) {
    if (taken.has(comment.id)) continue;
    const record = await readPullRequest(db, repository, comment.number);
    if (record === undefined) continue;
    await answerOne(context, record, comment, command, signal);
  }
  await react(context, signal);
}

async function answerOne(
  context: CommandContext,
  record: PullRequestRecord,
  comment: Comment,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  const { services, repository, forge } = context;
  const permission = await forge.permissionOf(comment.author, signal);
  const answer = mayCommand(permission)
    ? await answerTo(context, record, comment, command)
    : { outcome: "NotPermitted", reaction: "-1" as const, facts: [] };
  await services.db.transaction(async (tx) => {
    const { outcome, reaction } = answer;
    const { id, number } = comment;
    if (!(await takeCommand(tx, repository, { comment: id, number, outcome, reaction }))) return;
    await answer.apply?.(tx);
    if (answer.text !== undefined) {
      const by = `${clippedCode(comment.author.login)} asked for ${clippedCode(wordsOf(command))}`;
      await saveAnswer(tx, repository, number, `${by}:\n\n${answer.text}`);
    }
    await appendEvents(tx, answer.facts, services.clock.now().getTime());
    if (answer.facts.length > 0) await tx.query(`select pg_notify('innominatus', 'command')`);
  });
  if (command.kind === "plan") context.replan(comment.number);
}

const mayCommand = (permission: Permission): boolean =>
  permission === "write" || permission === "admin";

const wordsOf = (command: Command): string => {
  if (command.kind === "approve") return `approve ${command.hash}`;
  if (command.kind === "retry" || command.kind === "why") {
    return `${command.kind} ${command.resource}`;
  }
  return command.kind;
};

async function answerTo(
  context: CommandContext,
  record: PullRequestRecord,
  comment: Comment,
  command: Command,
): Promise<Answer> {
  const { repository, forge } = context;
  const actor = `${forge.kind}:${comment.author.login}`;
  const scopes = context
    .environmentsOf(record.base)
    .map((environment): Scope => ({ repository, environment }));
  const via = { comment: comment.url };
  switch (command.kind) {
    case "unknown":
      return { outcome: "Unknown", reaction: "confused", facts: [] };
    case "help":
      return { outcome: "Helped", reaction: "+1", text: commandLines.join("\n"), facts: [] };
    case "plan": {
      const facts = scopes.map((it) => ({ ...it, type: "PlanAsked", actor, data: via }));
      return {
        outcome: "Planned",
        reaction: "+1",
        facts,
        apply: (tx) => forgetComments(tx, repository, [record.number]),
      };
    }
    case "approve":
      return approve(context, record, command.hash, scopes, actor, via);
    case "retry":
      return retry(context, command.resource, scopes, actor, via);
    case "why": {
      const found = await findResource(context, command.resource, scopes);
      if (found === undefined) return notThere(command.resource);
      const text = await context.explain(found.scope, found.uid);
      return {
        outcome: "Explained",
        reaction: "+1",
        text: fenced("text", [text.trim()]),
        facts: [],
      };
    }
  }
}

/** What a pull request shows is the plan of its merge; what a merged one shows is the environment's. */
async function approve(
  { services }: CommandContext,
  record: PullRequestRecord,
  hash: string,
  scopes: readonly Scope[],
  actor: string,
  via: { readonly comment: string },
): Promise<Answer> {
  const plans = plansOf(record);
  const current: string[] = [];
  for (const scope of scopes) {
    const environment = await readEnvironment(services.db, scope);
    const shown = record.state === "open" ? plans[scope.environment]?.hash : environment?.planHash;
    if (shown == null) continue;
    if (!shown.startsWith(hash)) {
      current.push(`- ${clippedCode(scope.environment)}: ${clippedCode(shown)}`);
      continue;
    }
    const reason = `pull request ${record.number}`;
    return {
      outcome: "Approved",
      reaction: "+1",
      apply: (tx) => approvePlan(tx, scope, { plan: shown, approver: actor, reason }),
      facts: [
        {
          ...scope,
          type: "PlanApproved",
          actor,
          correlation: shown,
          commit: record.head,
          data: { ...via, plan: shown, reason },
        },
      ],
    };
  }
  const text = [
    `${clippedCode(hash)} is not the current plan, so that nothing was approved.`,
    ...current,
  ];
  return { outcome: "NotCurrent", reaction: "-1", text: text.join("\n"), facts: [] };
}

async function retry(
  context: CommandContext,
  name: string,
  scopes: readonly Scope[],
  actor: string,
  via: { readonly comment: string },
): Promise<Answer> {
  const found = await findResource(context, name, scopes);
  if (found === undefined) return notThere(name);
  const { scope, uid } = found;
  if (!found.failed) {
    const text = `${clippedCode(uid)} has not failed: there is nothing to try again.`;
    return { outcome: "NotFailed", reaction: "-1", text, facts: [] };
  }
  return {
    outcome: "Retried",
    reaction: "+1",
    apply: async (tx) => void (await resetFailures(tx, scope, { uid, stalled: true })),
    facts: [{ ...scope, type: "BlockCleared", actor, uid, data: via }],
  };
}

const notThere = (name: string): Answer => ({
  outcome: "NotFound",
  reaction: "-1",
  text: `There is no resource ${clippedCode(name)} here, or more than one that ends so.`,
  facts: [],
});

/** By uid, or by the only one that ends with it: `shop.db`. */
async function findResource(
  { services }: CommandContext,
  name: string,
  scopes: readonly Scope[],
): Promise<{ readonly scope: Scope; readonly uid: Uid; readonly failed: boolean } | undefined> {
  const found: { scope: Scope; uid: Uid; failed: boolean }[] = [];
  for (const scope of scopes) {
    for (const { uid, phase } of await listResources(services.db, scope)) {
      if (uid === name || uid.endsWith(`#${name}`)) {
        found.push({ scope, uid, failed: phase === "failed" });
      }
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

/** Until the forge has taken it; a comment that is gone needs none. */
async function react(
  { services, repository, forge }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { db } = services;
  for (const { comment, number, reaction } of await unansweredCommands(db, repository)) {
    const known = reactions.find((it) => it === reaction);
    if (known !== undefined) {
      try {
        await forge.addReaction({ id: comment, number }, known, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    await saveReacted(db, repository, comment);
  }
}

const reactions: readonly Reaction[] = ["+1", "-1", "eyes", "confused", "rocket"];
