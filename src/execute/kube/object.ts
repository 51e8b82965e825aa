/** A Kubernetes object as it crosses our boundary, and how we point at one. */
import { z } from "zod";
import type { JsonRecord } from "../../model/json.ts";

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  finalizers: z.array(z.string()).nullish(),
  deletionTimestamp: z.string().nullish(),
  ownerReferences: z.array(z.looseObject({})).nullish(),
});

const kubeObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata });

export type KubeObject = z.infer<typeof kubeObject>;

/** What the server answered with; loose: it is another system's. */
export const readObject = (body: JsonRecord): KubeObject => kubeObject.parse(body);

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** `undefined` of one without a namespace. */
  readonly namespace: string | undefined;
  readonly name: string;
}

export const referenceOf = (object: KubeObject): ObjectReference => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
});

/** `Deployment shop/web`: for people. */
export const nameOf = ({
  kind,
  namespace,
  name,
}: Pick<ObjectReference, "kind" | "namespace" | "name">): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
