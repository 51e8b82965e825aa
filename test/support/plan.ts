/** Both sides of a plan for tests: what a resource is when nothing about it matters but what is given. */
import type { Desired, Recorded } from "../../src/model/resource.ts";
import { partsOf, type Uid } from "../../src/model/uid.ts";
import type { Bundle, Parameter, Workflow } from "../../src/model/workflow.ts";
import type { PlanInput } from "../../src/plan/input.ts";

export const parameter = (name: string, given: Partial<Parameter> = {}): Parameter => ({
  name,
  type: "string",
  required: false,
  description: "",
  sensitive: false,
  immutable: false,
  ...given,
});

export const workflow = (name: string, given: Partial<Workflow> = {}): Workflow => ({
  name,
  parameters: [],
  steps: [],
  outputs: {},
  ...given,
});

export const bundle = (given: Partial<Bundle> = {}): Bundle => ({
  hash: "bundle-1",
  provider: "team",
  version: "1.0.0",
  source: "shipped: here",
  type: "thing",
  stateful: false,
  workflows: {
    create: workflow("make", { parameters: [parameter("region", { immutable: true })] }),
    update: workflow("change"),
    delete: workflow("remove"),
  },
  ...given,
});

const place = { file: "apps/shop/score.yaml", line: 1, column: 1 };

function identityOf(uid: Uid) {
  const { type, class: resourceClass, id } = partsOf(uid);
  const [workload = "", name = ""] = id.split(".");
  return { uid, workload, identity: workload, name, type, class: resourceClass };
}

export const wanted = (uid: Uid, given: Partial<Desired> = {}): Desired => ({
  ...identityOf(uid),
  params: given.template ?? {},
  template: given.params ?? {},
  dependsOn: [],
  bundle: bundle(),
  rule: [],
  protected: false,
  hold: false,
  place,
  ...given,
});

export const recorded = (uid: Uid, given: Partial<Recorded> = {}): Recorded => ({
  ...identityOf(uid),
  params: given.template ?? {},
  template: given.params ?? {},
  dependsOn: [],
  bundle: bundle(),
  protected: false,
  place,
  phase: "active",
  gate: null,
  touched: true,
  outputs: {},
  secretRefs: {},
  revision: 1,
  wanted: true,
  removal: null,
  deleteAfter: null,
  commit: "c0",
  since: "2026-01-01T00:00:00.000Z",
  reason: "",
  message: "",
  attempted: null,
  failures: 0,
  nextAttemptAt: null,
  stalled: false,
  operation: "create",
  run: "run-0",
  ...given,
});

export const planInput = (given: Partial<PlanInput> = {}): PlanInput => ({
  environment: "default",
  commit: "c1",
  base: "c0",
  desired: [],
  blocked: [],
  recorded: [],
  history: { kind: "proven" },
  unselected: new Set(),
  policy: {
    budget: { count: 3, percent: 10 },
    graceMs: 0,
    statefulGraceMs: 86_400_000,
    approval: "never",
  },
  recentDeletions: new Set(),
  approved: new Set(),
  now: "2026-01-02T00:00:00.000Z",
  problems: [],
  ...given,
});
