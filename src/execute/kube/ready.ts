/**
 * Whether an object has become what its spec says, by the rules of kstatus: generation observed,
 * `Reconciling` and `Stalled`, then `Ready`, and the built-in kinds' own signs.
 */
import { z } from "zod";
import type { KubeObject } from "./object.ts";

export type Readiness =
  | { readonly state: "ready" }
  | { readonly state: "progressing"; readonly message: string }
  /** Only a change of its spec helps. */
  | { readonly state: "failed"; readonly message: string };

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(""),
  message: z.string().default(""),
});

export type Condition = z.infer<typeof condition>;

const status = z.looseObject({
  observedGeneration: z.number().optional(),
  conditions: z.array(condition).nullish(),
  phase: z.string().optional(),
  replicas: z.number().default(0),
  readyReplicas: z.number().default(0),
  updatedReplicas: z.number().default(0),
  availableReplicas: z.number().default(0),
  desiredNumberScheduled: z.number().default(0),
  updatedNumberScheduled: z.number().default(0),
  numberAvailable: z.number().default(0),
  loadBalancer: z.looseObject({ ingress: z.array(z.json()).nullish() }).nullish(),
});

const spec = z.looseObject({ replicas: z.number().default(1), type: z.string().optional() });

type Status = z.infer<typeof status>;

const ready: Readiness = { state: "ready" };
const progressing = (message: string): Readiness => ({ state: "progressing", message });
const failed = (message: string): Readiness => ({ state: "failed", message });

export function readinessOf(object: KubeObject): Readiness {
  const { generation, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined && deletionTimestamp !== null) {
    return progressing("it is being deleted");
  }
  const parsed = status.safeParse(object["status"] ?? {});
  const seen = parsed.success ? parsed.data : status.parse({});
  if (
    seen.observedGeneration !== undefined &&
    generation !== undefined &&
    seen.observedGeneration < generation
  ) {
    return progressing("its controller has not seen the change yet");
  }
  const stalled = trueCondition(seen, "Stalled");
  if (stalled !== undefined) return failed(told(stalled));
  const reconciling = trueCondition(seen, "Reconciling");
  if (reconciling !== undefined) return progressing(told(reconciling));
  const own = byKind[object.kind]?.(
    seen,
    spec.safeParse(object["spec"] ?? {}).data ?? spec.parse({}),
  );
  if (own !== undefined) return own;
  const sign = conditionsOf(object).find((it) => it.type === "Ready");
  return sign === undefined || sign.status === "True" ? ready : progressing(told(sign));
}

/** None where the object has no list of the usual form. */
export function conditionsOf(object: KubeObject): readonly Condition[] {
  const parsed = status.safeParse(object["status"] ?? {});
  return parsed.success ? (parsed.data.conditions ?? []) : [];
}

const trueCondition = ({ conditions }: Status, type: string): Condition | undefined =>
  conditions?.find((it) => it.type === type && it.status === "True");

const told = ({ type, status: value, reason, message }: Condition): string =>
  [`${type} is ${value}`, reason, message].filter((it) => it !== "").join(": ");

const byKind: Readonly<
  Record<string, (seen: Status, wanted: z.infer<typeof spec>) => Readiness | undefined>
> = {
  Deployment: (seen, { replicas }) => {
    const late = seen.conditions?.find((it) => it.reason === "ProgressDeadlineExceeded");
    if (late !== undefined) return failed(told(late));
    if (seen.observedGeneration === undefined) return progressing("its controller has not seen it");
    return counted(Math.min(seen.updatedReplicas, seen.availableReplicas), replicas);
  },
  StatefulSet: (seen, { replicas }) =>
    seen.observedGeneration === undefined
      ? progressing("its controller has not seen it")
      : counted(seen.readyReplicas, replicas),
  ReplicaSet: (seen, { replicas }) =>
    seen.observedGeneration === undefined
      ? progressing("its controller has not seen it")
      : counted(seen.availableReplicas, replicas),
  DaemonSet: (seen) =>
    seen.observedGeneration === undefined
      ? progressing("its controller has not seen it")
      : counted(
          Math.min(seen.updatedNumberScheduled, seen.numberAvailable),
          seen.desiredNumberScheduled,
        ),
  Job: (seen) => {
    const bad = trueCondition(seen, "Failed");
    if (bad !== undefined) return failed(told(bad));
    return trueCondition(seen, "Complete") === undefined
      ? progressing("it has not completed")
      : ready;
  },
  Pod: (seen) => {
    if (seen.phase === "Failed") return failed("its phase is Failed");
    if (seen.phase === "Succeeded") return ready;
    return trueCondition(seen, "Ready") === undefined
      ? progressing(`its phase is ${seen.phase ?? "not set"}, and it is not Ready`)
      : ready;
  },
  PersistentVolumeClaim: (seen) =>
    seen.phase === "Bound" ? ready : progressing(`its phase is ${seen.phase ?? "not set"}`),
  Service: (seen, { type }) =>
    type === "LoadBalancer" && (seen.loadBalancer?.ingress ?? []).length === 0
      ? progressing("its load balancer has no address")
      : ready,
  CustomResourceDefinition: (seen) => {
    const names = seen.conditions?.find((it) => it.type === "NamesAccepted");
    if (names?.status === "False") return failed(told(names));
    return trueCondition(seen, "Established") === undefined
      ? progressing("it is not established")
      : ready;
  },
};

const counted = (there: number, wanted: number): Readiness =>
  there >= wanted ? ready : progressing(`${there} of ${wanted} replicas are ready`);
