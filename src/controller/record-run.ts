/** Writes how a run in hand ended, or waits, into the record: one fenced transaction, events and all (E4, E22). */
import { memoryPrefix } from "../execute/steps/secret.ts";
import { own } from "../model/json.ts";
import type { Claim } from "../model/run.ts";
import type { Masker } from "../secrets/mask.ts";
import { isPointer, referenceFor } from "../secrets/reference.ts";
import { fencedAfter } from "../store/advance.ts";
import { readBundle } from "../store/bundles.ts";
import { readCancel } from "../store/cancels.ts";
import { appendEvents, type Fact } from "../store/events.ts";
import {
  phaseDuring,
  recordActive,
  recordCancelled,
  recordDeleted,
  recordFailed,
  recordSuperseded,
  recordWaiting,
  type Told,
} from "../store/outcomes.ts";
import { memoryRows } from "../store/secrets.ts";
import type { Performed } from "./perform.ts";
import type { Result } from "./result.ts";
import { scopeOf, type RunInHand } from "./run-in-hand.ts";
import type { RecordedRun } from "../store/runs.ts";
import { vaultOn } from "./services.ts";

/**
 * An update with a workflow of its own gives what it changes, and outputs it does not name stay as
 * they were; one with the workflow that creates gives all there is.
 */
export async function recordSuccess(
  { services: { db, sealer, clock }, claim, run, hasSecrets, unwritten }: RunInHand,
  { resource, outputs, sensitive: secrets, credentialsSecret }: Performed,
): Promise<void> {
  const scope = scopeOf(claim);
  // A pointer at a Secret is the reference itself: there is no value to keep.
  const sensitive = secrets.filter((name) => !isPointer(outputs[name]));
  const pointers = Object.keys(outputs).filter((name) => isPointer(outputs[name]));
  const { uid } = run;
  await fencedAfter(db, claim, unwritten, async (tx) => {
    const vault = vaultOn(sealer, tx);
    const { workflows } = await readBundle(tx, run.bundle);
    const isPartial = run.operation === "update" && run.workflow !== workflows.create?.name;
    const before = isPartial ? resource : undefined;
    const shown = Object.fromEntries(
      Object.entries({ ...before?.outputs, ...outputs }).filter(
        ([name]) => !sensitive.includes(name) && !pointers.includes(name),
      ),
    );
    const secret = new Set(
      [...Object.keys(before?.secretRefs ?? {}), ...sensitive, ...pointers].filter(
        (name) => !Object.hasOwn(shown, name),
      ),
    );
    for (const key of hasSecrets ? await vault.keys(scope, uid) : []) {
      if (run.operation === "delete" || !secret.has(key) || pointers.includes(key))
        await vault.delete({ ...scope, uid, key });
    }
    let tell: readonly Told[];
    if (run.operation === "delete") {
      await memoryRows(tx).forget(memoryPrefix(scope, uid));
      tell = await recordDeleted(tx, claim);
    } else {
      for (const name of sensitive) {
        const value = outputs[name];
        const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
        await vault.put({ ...scope, uid, key: name }, text);
      }
      const refs = [...secret].map((name): [string, string] => {
        const given = own(outputs, name);
        if (given === undefined) return [name, before?.secretRefs[name] ?? ""];
        return [name, isPointer(given) ? given : referenceFor(scope, uid, name)];
      });
      const kept = credentialsSecret === undefined ? {} : { credentialsSecret };
      const secretRefs = Object.fromEntries(refs);
      tell = await recordActive(tx, claim, { outputs: shown, secretRefs, ...kept });
    }
    const facts = [{ type: "RunCompleted", data: {} }, ...tell];
    await appendEvents(tx, factsFor(claim, run, facts), clock.now().getTime());
  });
}

export async function recordResult(hand: RunInHand, result: Result): Promise<void> {
  const { services, claim, run, masker, failedCleanups, unwritten } = hand;
  const { db, clock } = services;
  if (result.kind === "lost" || result.kind === "done") return;
  const { reason, message } = told(result, masker);
  const fault = "fault" in result ? result.fault : undefined;
  await fencedAfter(db, claim, unwritten, async (tx) => {
    const told: Told[] = failedCleanups.map((it) => ({ type: "CleanupFailed", data: { ...it } }));
    const stopped = { from: phaseDuring[run.operation], to: "failed" };
    switch (result.kind) {
      case "waiting":
        await recordWaiting(tx, claim, { reason, message, retryAfterMs: result.delayMs });
        break;
      case "superseded":
        told.push({ type: "RunSuperseded", data: {} });
        told.push({ type: "PhaseTransition", data: stopped });
        told.push(...(await recordSuperseded(tx, claim, reason)));
        break;
      case "cancelled":
        told.push({ type: "RunCancelled", data: await readCancel(tx, run.id) });
        told.push({ type: "PhaseTransition", data: stopped });
        told.push(...(await recordCancelled(tx, claim, message)));
        break;
      case "requeue":
      case "stalled": {
        const isStalled = result.kind === "stalled";
        const failure = {
          reason,
          message,
          retryAfterMs: isStalled ? undefined : result.delayMs,
          counts: !isStalled || result.counts,
          blocks: isStalled && result.held === "PreviousExecutionFailed",
          ...(isStalled && result.held !== undefined ? { held: result.held } : {}),
          fault,
        };
        told.push({
          type: "RunFailed",
          data: { reason, message, ...(fault === undefined ? {} : { failure: { ...fault } }) },
        });
        told.push({ type: "PhaseTransition", data: stopped });
        told.push(...(await recordFailed(tx, claim, failure)));
      }
    }
    await appendEvents(tx, factsFor(claim, run, told), clock.now().getTime());
  });
}

export function told(
  result: Result,
  masker: Masker,
): { readonly reason: string; readonly message: string } {
  if (!("reason" in result)) return { reason: "", message: "" };
  const hint = result.kind === "stalled" ? ` (${result.hint})` : "";
  return { reason: result.reason, message: masker.mask(`${result.message}${hint}`) };
}

const factsFor = (claim: Claim, run: RecordedRun, told: readonly Told[]): Fact[] =>
  told.map(({ type, data }) => ({
    repository: claim.repository,
    environment: claim.environment,
    type,
    actor: "innominatus",
    uid: run.uid,
    run: run.id,
    commit: run.commit,
    correlation: run.plan,
    data: { operation: run.operation, workflow: run.workflow, ...data },
  }));
