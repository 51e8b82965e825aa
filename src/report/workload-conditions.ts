/**
 * A workload's conditions, from its resources (DESIGN.md §5). Ready is always there; Reconciling and
 * Stalled only while they are True, as kstatus reads them.
 */
import type { Condition } from "../model/condition.ts";
import type { Gate } from "../model/plan.ts";
import { compareText, isError, type Problem } from "../model/problem.ts";
import type { Recorded } from "../model/resource.ts";

/**
 * All of them have the same `observedCommit`: the last commit that changed something for this
 * workload. It moves to `commit` when a condition says something new or when a resource's last
 * operation came with `commit`; any other commit leaves it, so that pushes which touch nothing of
 * ours cause no status commit (law 9).
 *
 * @param commit the commit that was planned last
 * @param at ISO 8601; becomes `lastTransitionTime` where a status changes
 * @param problems those of the workload's own file
 */
export function conditionsOf(
  resources: readonly Recorded[],
  previous: readonly Condition[],
  commit: string,
  at: string,
  problems: readonly Problem[] = [],
): Condition[] {
  const live = resources.filter((it) => it.phase !== "deleted");
  const verdicts = judge(live, problems);
  const told = (it: Verdict | Condition): string =>
    [it.type, it.status, it.reason, it.message].join("\n");
  const same =
    verdicts.length === previous.length &&
    verdicts.every((it) => previous.some((before) => told(before) === told(it)));
  const moved = !same || resources.some((it) => it.commit === commit);
  const before = previous.find((it) => it.type === "Ready");
  const observedCommit = moved || before === undefined ? commit : before.observedCommit;
  return verdicts.map((it) => {
    const last = previous.find(({ type, status }) => type === it.type && status === it.status);
    return { ...it, observedCommit, lastTransitionTime: last?.lastTransitionTime ?? at };
  });
}

type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

function judge(live: readonly Recorded[], problems: readonly Problem[]): Verdict[] {
  const concerns = live
    .flatMap((it) => concernOf(it) ?? [])
    .toSorted((a, b) => a.rank - b.rank || compareText(a.uid, b.uid));
  const error = problems.find(isError);
  const ready = live.filter((it) => it.phase === "active" && it.gate === null).length;
  const count = `${ready} of ${live.length} resources active`;
  if (error !== undefined) {
    const what = `${error.file}:${error.line}:${error.column}: ${error.message}`;
    const verdict = { status: "True", reason: "SpecInvalid", message: what } as const;
    return [
      { ...verdict, type: "Ready", status: "False", message: `${count}; ${what}` },
      ...concerns
        .filter((it) => it.working)
        .slice(0, 1)
        .map((it) => working(it, count)),
      { ...verdict, type: "Stalled" },
    ];
  }
  const worst = concerns[0];
  if (worst === undefined) {
    const message = live.length === 0 ? "no resources asked for" : count;
    return [{ type: "Ready", status: "True", reason: "AllResourcesActive", message }];
  }
  const message = `${count}; ${worst.message}`;
  const goingOn = concerns.find((it) => it.working);
  const stuck = concerns.find((it) => it.stuck);
  return [
    { type: "Ready", status: "False", reason: worst.reason, message },
    ...(goingOn === undefined ? [] : [working(goingOn, count)]),
    ...(stuck === undefined
      ? []
      : [
          {
            type: "Stalled",
            status: "True",
            reason: stuck.reason,
            message: stuck.message,
          } as const,
        ]),
  ];
}

const working = (concern: Concern, count: string): Verdict => ({
  type: "Reconciling",
  status: "True",
  reason: concern.reason === "RunFailed" ? "ProgressingWithRetry" : concern.reason,
  message: `${count}; ${concern.message}`,
});

/** Why one resource is not simply active. */
interface Concern {
  readonly uid: string;
  /** Lower is worse. */
  readonly rank: number;
  readonly reason: string;
  readonly message: string;
  /** It goes on by itself. */
  readonly working: boolean;
  /** Somebody has to change something first. */
  readonly stuck: boolean;
}

function concernOf(resource: Recorded): Concern | undefined {
  const { uid, gate, phase, stalled } = resource;
  const because = (text: string): string =>
    text === "" ? `${uid} is ${phase}` : `${uid}: ${text}`;
  if (stalled) {
    const reason = /^[A-Z][A-Za-z]+$/.test(resource.reason) ? resource.reason : "ExhaustedRetries";
    return {
      uid,
      rank: 0,
      reason,
      message: because(resource.message),
      working: false,
      stuck: true,
    };
  }
  if (gate !== null) return { uid, message: because(gate.message), ...gateConcerns[gate.kind] };
  if (phase === "active") return undefined;
  if (phase === "failed") {
    const message = because(resource.message);
    return { uid, rank: 2, reason: "RunFailed", message, working: true, stuck: false };
  }
  const message = `${uid} is ${phase}`;
  return { uid, rank: 5, reason: "Progressing", message, working: true, stuck: false };
}

const held = { rank: 3, reason: "HeldByGate", working: false, stuck: false };
const passing = { rank: 3, reason: "HeldByGate", working: true, stuck: false };

/** What time or another run lifts is still going on; what waits for a person is not, nor is it stuck. */
const gateConcerns = {
  problem: { rank: 1, reason: "SpecInvalid", working: false, stuck: true },
  approval: held,
  budget: held,
  history: held,
  grace: passing,
  lock: passing,
  cooldown: passing,
  dependency: { rank: 4, reason: "DependencyNotReady", working: true, stuck: false },
} as const satisfies Record<Gate["kind"], Pick<Concern, "rank" | "reason" | "working" | "stuck">>;
