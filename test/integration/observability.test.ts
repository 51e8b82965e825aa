/** Whatever the dashboard, the alerts and the guide name has to be there, and nothing left out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { Metrics } from "../../src/server/metrics.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const alerts = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            labels: z.object({ severity: z.enum(["info", "warning", "critical"]) }),
            annotations: z.object({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read("helm/alerts/innominatus.yaml")))
  .groups.flatMap((it) => it.rules);

const panels = z
  .object({
    panels: z.array(
      z.object({
        title: z.string(),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).optional(),
      }),
    ),
  })
  .parse(JSON.parse(read("helm/dashboards/innominatus.json"))).panels;

/** With one of everything that only figures and events bring. */
async function registered(): Promise<ReadonlyMap<string, readonly Record<string, string>[]>> {
  const metrics = new Metrics({ version: "1", now: () => new Date(0) });
  metrics.runEnded({ operation: "create", outcome: "succeeded", durationMs: 1 });
  for (const outcome of ["succeeded", "failed"] as const) {
    const settled = { type: "thing", operation: "create" as const, outcome, sinceCommitMs: 1 };
    metrics.resourceSettled(settled);
  }
  metrics.reconciled("done", 1);
  metrics.runWaited(undefined, 1);
  metrics.requestAnswered("GET", "/", 500);
  metrics.setForgeBudget("shop", { limit: 1, remaining: 1, resetAtMs: 0 });
  metrics.webhookReceived("github", "accepted");
  await metrics.render({
    queueDepth: 0,
    queueOldestMs: 0,
    resourcesByType: { thing: 1 },
    heldByGate: {},
    locks: { free: 0, held: 0, cooling: 0 },
    outbox: { pending: 0, quarantined: 0, oldestMs: 0 },
  });
  const labels = z.record(z.string(), z.coerce.string());
  const all = await metrics.registry.getMetricsAsJSON();
  return new Map(
    all.map((it) => [it.name, it.values.map(({ labels: given }) => labels.parse(given))]),
  );
}

interface Named {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

const suffixes = /_(bucket|sum|count)$/;

function metricsIn(expr: string): Named[] {
  const names = expr.matchAll(/\b((?:innominatus|process|nodejs)_\w+)(?:\{([^}]*)\})?/g);
  return [...names].map(([, name = "", matchers = ""]) => ({
    metric: name,
    matchers: [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label = "", values = ""]) => ({
      label,
      values: values.split("|"),
    })),
  }));
}

/** What of an expression is not there; empty: all is. */
async function missing(expr: string): Promise<readonly string[]> {
  const known = await registered();
  const named = metricsIn(expr);
  if (named.length === 0) return [`no metric in ${expr}`];
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, it = ""]) =>
    it.split(",").map((label) => label.trim()),
  );
  return named.flatMap(({ metric, matchers }) => {
    const series = known.get(metric) ?? known.get(metric.replace(suffixes, ""));
    if (series === undefined) return [metric];
    const has = (label: string, value?: string): boolean =>
      series.some((it) => it[label] !== undefined && (value === undefined || it[label] === value));
    return [
      ...matchers.flatMap(({ label, values }) =>
        values.filter((it) => !has(label, it)).map((it) => `${metric}{${label}=${it}}`),
      ),
      ...grouped.filter((it) => it !== "le" && !has(it)).map((it) => `${metric} by ${it}`),
    ];
  });
}

describe("the check itself", () => {
  it.each([
    ["rate(innominatus_no_such_total[5m])", ["innominatus_no_such_total"]],
    [
      'innominatus_workflow_runs_total{outcome="exploded"}',
      ["innominatus_workflow_runs_total{outcome=exploded}"],
    ],
    ["sum by (moon) (innominatus_locks)", ["innominatus_locks by moon"]],
    ["vector(1)", ["no metric in vector(1)"]],
  ])("finds what is missing in %s", async (expr, expected) => {
    expect(await missing(expr)).toEqual(expected);
  });
});

describe("alerts", () => {
  it.each(alerts)("$alert asks for metrics and labels that are there", async ({ expr }) => {
    expect(await missing(expr)).toEqual([]);
  });

  it("are in the guide, each, and the guide has no others", () => {
    const named = [...read("docs/observability.md").matchAll(/^\| `(Innominatus\w+)`/gm)];
    expect(named.map((it) => it[1] ?? "").toSorted()).toEqual(
      alerts.map((it) => it.alert).toSorted(),
    );
  });

  it("speak of labels that their expression keeps", () => {
    for (const { alert, expr, annotations } of alerts) {
      const spoken = [...annotations.description.matchAll(/\$labels\.(\w+)/g)].map((it) => it[1]);
      const kept = expr.includes(" by (") ? /\bby \(([^)]*)\)\)? [<>=]/.exec(expr)?.[1] : undefined;
      const has = (label = ""): boolean => kept === undefined || kept.split(", ").includes(label);
      expect([alert, spoken.filter((it) => !has(it))]).toEqual([alert, []]);
    }
  });
});

describe("the dashboard", () => {
  const targets = panels.flatMap(({ title, targets: all = [] }) =>
    all.map((it) => ({ title, ...it })),
  );
  it.each(targets)("$title asks for metrics and labels that are there: $expr", async ({ expr }) => {
    expect(await missing(expr)).toEqual([]);
  });

  it("shows every metric of ours but those that are upstream's other names", async () => {
    const shown = new Set(
      targets.flatMap(({ expr }) => metricsIn(expr).map((it) => it.metric.replace(suffixes, ""))),
    );
    const ours = [...(await registered()).keys()].filter((it) => it.startsWith("innominatus_"));
    expect(ours.filter((it) => !shown.has(it)).toSorted()).toEqual([
      "innominatus_forge_rate_reset_timestamp_seconds",
      "innominatus_workflows_executed_total",
      "innominatus_workflows_failed_total",
      "innominatus_workflows_succeeded_total",
    ]);
  });
});

it("docs/observability.md lists the metrics that are there, and no others", async () => {
  const named = [...read("docs/observability.md").matchAll(/^\| `(innominatus_\w+)`/gm)];
  const ours = [...(await registered()).keys()].filter((it) => it.startsWith("innominatus_"));
  expect(named.map((it) => it[1] ?? "").toSorted()).toEqual(ours.toSorted());
});
