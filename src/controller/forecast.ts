/** How long a plan's runs will take, from how long such runs took; pure. */
import type { Plan, PlannedOperation } from "../model/plan.ts";
import { partsOf, type Uid } from "../model/uid.ts";
import type { Forecast } from "../report/comment/open.ts";
import type { Duration } from "../store/durations.ts";

/** With fewer past runs of a kind, nothing is foretold. */
const enough = 5;

/**
 * Along the longest chain of dependencies; what a gate holds back does not count.
 *
 * @returns `undefined` where nothing will run, or where something will of which too little is known
 */
export function forecastOf(plan: Plan, durations: readonly Duration[]): Forecast | undefined {
  const known = new Map(durations.map((it) => [`${it.type} ${it.operation}`, it]));
  const own = new Map<Uid, Forecast>();
  const running = plan.operations.filter((it) => it.operation !== "none" && it.gate === null);
  for (const it of running) {
    const forecast = { p50Ms: 0, p90Ms: 0 };
    for (const verb of runsOf(it)) {
      const past = known.get(`${partsOf(it.uid).type} ${verb}`);
      if (past === undefined || past.count < enough) return undefined;
      forecast.p50Ms += past.p50Ms;
      forecast.p90Ms += past.p90Ms;
    }
    own.set(it.uid, forecast);
  }
  if (own.size === 0) return undefined;
  const byUid = new Map(running.map((it) => [it.uid, it]));
  const total = new Map<Uid, Forecast>();
  const until = (uid: Uid): Forecast => {
    const before = total.get(uid);
    if (before !== undefined) return before;
    // A cycle is no plan's, but an endless loop would be ours.
    total.set(uid, { p50Ms: 0, p90Ms: 0 });
    const first = (byUid.get(uid)?.dependsOn ?? []).filter((it) => own.has(it)).map(until);
    const mine = own.get(uid) ?? { p50Ms: 0, p90Ms: 0 };
    const sum = {
      p50Ms: mine.p50Ms + Math.max(0, ...first.map((it) => it.p50Ms)),
      p90Ms: mine.p90Ms + Math.max(0, ...first.map((it) => it.p90Ms)),
    };
    total.set(uid, sum);
    return sum;
  };
  const all = [...own.keys()].map(until);
  return {
    p50Ms: Math.max(...all.map((it) => it.p50Ms)),
    p90Ms: Math.max(...all.map((it) => it.p90Ms)),
  };
}

function runsOf({ operation }: PlannedOperation): readonly ("create" | "update" | "delete")[] {
  if (operation === "replace") return ["delete", "create"];
  return operation === "create" || operation === "update" || operation === "delete"
    ? [operation]
    : [];
}
