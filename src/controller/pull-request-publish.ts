/**
 * Comments and commit statuses, published where they differ from what was published last (law 9).
 * Whatever is interrupted between the forge and the store is done again, and changes nothing twice.
 */
import { createHash } from "node:crypto";
import type { CheckRun, Forge } from "../report/forge/forge.ts";
import { ForgeError } from "../report/forge/forge-error.ts";
import type { Verdict } from "../report/comment/statuses.ts";
import { storeNow } from "../store/database-time.ts";
import { lastPublication, savePublication } from "../store/publications.ts";
import { saveComment, type PullRequestRecord } from "../store/pull-requests.ts";
import type { Services } from "./services.ts";

/** Edits that tell of the same thing are so far apart. */
const editEveryMs = 5_000;

export interface Publisher {
  /** @returns milliseconds until it may be edited; `undefined`: it says so now */
  comment(
    record: PullRequestRecord,
    wanted: { readonly marker: string; readonly body: string; readonly stage: string },
    signal: AbortSignal,
  ): Promise<number | undefined>;
  status(commit: string, verdict: Verdict, url: string, signal: AbortSignal): Promise<void>;
  /** What the status says that was published last, whatever it was. */
  said(commit: string, context: string): Promise<boolean>;
  check(commit: string, check: CheckRun, signal: AbortSignal): Promise<void>;
  commitComment(
    commit: string,
    wanted: { readonly marker: string; readonly body: string },
    signal: AbortSignal,
  ): Promise<void>;
}

export function createPublisher(
  { db, log }: Pick<Services, "db" | "log">,
  repository: string,
  forge: Forge,
): Publisher {
  /** What we may not do is said once, and does not keep us from the rest. */
  const forbidden = new Set<string>();
  const unlessForbidden = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ForgeError) || error.failure.kind !== "forbidden") throw error;
      if (!forbidden.has(what)) log.warn({ err: error, repository }, `publishing ${what}`);
      forbidden.add(what);
    }
  };

  const once = async (
    target: string,
    commit: string,
    value: unknown,
    work: () => Promise<unknown>,
  ): Promise<void> => {
    const hash = createHash("sha256").update(JSON.stringify(value)).digest("hex");
    const last = await lastPublication(db, repository, target);
    if (last?.hash === hash) return;
    await unlessForbidden(target.split(" ", 1)[0] ?? target, work);
    await savePublication(db, repository, target, { hash, commit });
  };

  return {
    async comment(record, { marker, body, stage }, signal) {
      const whole = `${marker}\n${body}`;
      if (record.body === whole) return undefined;
      if (record.stage === stage && record.editedAt !== null && record.body !== null) {
        const since = Date.parse(await storeNow(db)) - Date.parse(record.editedAt);
        if (since < editEveryMs) return editEveryMs - since;
      }
      // One that may have been changed or removed by somebody is searched for.
      const id = record.body === null ? undefined : (record.comment ?? undefined);
      const { number } = record;
      const saved = await forge.upsertComment({ number, marker, body: whole, id }, signal);
      await saveComment(db, repository, number, { comment: saved.id, body: whole, stage });
      return undefined;
    },
    async status(commit, verdict, url, signal) {
      const status = { ...verdict, targetUrl: url };
      await once(`status ${commit} ${verdict.context}`, commit, verdict, () =>
        forge.setStatus(commit, status, signal),
      );
    },
    async said(commit, context) {
      return (await lastPublication(db, repository, `status ${commit} ${context}`)) !== undefined;
    },
    async check(commit, check, signal) {
      const { checkRuns } = forge;
      if (checkRuns === undefined || forbidden.has("check")) return;
      await once(`check ${commit} ${check.name}`, commit, check, () =>
        checkRuns.upsert(commit, check, signal),
      );
    },
    async commitComment(commit, { marker, body }, signal) {
      const { commitComments } = forge;
      if (commitComments === undefined || forbidden.has("comment")) return;
      const whole = `${marker}\n${body}`;
      await once(`comment ${commit}`, commit, whole, () =>
        commitComments.upsert({ commit, marker, body: whole }, signal),
      );
    },
  };
}
