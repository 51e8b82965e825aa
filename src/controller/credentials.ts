/**
 * Outputs of a resource as a Secret in its workload's namespace, where the environment has a
 * cluster: what a Deployment's `secretKeyRef` names. Values go from store to cluster, and are shown
 * nowhere (law 7); the name is the same for as long as the resource lives.
 */
import { applyObjects, ensureNamespace, type Work } from "../execute/kube/apply.ts";
import type { Cluster } from "../execute/kube/cluster.ts";
import { findKind } from "../execute/kube/discovery.ts";
import { toStepError } from "../execute/kube/failure.ts";
import { isNotFound } from "../execute/kube/kube-error.ts";
import { getObject } from "../execute/kube/objects.ts";
import { removeEntries } from "../execute/kube/remove.ts";
import { valuesOf } from "../execute/kube/secret-values.ts";
import type { KubernetesTools } from "../execute/steps/kubernetes.ts";
import type { JsonRecord } from "../model/json.ts";
import type { ResourceIdentity } from "../model/resource.ts";
import type { Scope } from "../model/uid.ts";
import { namespaceOf } from "../provider/engine-inputs.ts";
import type { Masker } from "../secrets/mask.ts";
import { parseReference, type KubernetesReference } from "../secrets/reference.ts";

export interface CredentialsFor {
  readonly scope: Scope;
  readonly resource: ResourceIdentity;
  readonly provider: string;
  readonly run: string;
  readonly masker: Masker;
  readonly signal: AbortSignal;
}

/** No step's name: no step prunes it. */
const keeper = ":credentials";

/**
 * @param outputs plain values, and `k8s://` references
 * @returns where it is, `k8s://namespace/name`; `undefined`: the environment has no cluster
 * @throws {WaitingError} or {StepFailedError}, as a `kubernetes` step does
 */
export async function writeCredentials(
  tools: KubernetesTools | undefined,
  to: CredentialsFor,
  outputs: JsonRecord,
): Promise<string | undefined> {
  const work = workFor(tools, to);
  if (work === undefined || Object.keys(outputs).length === 0) return undefined;
  const namespace = namespaceOf({ ...to.resource, ...to.scope });
  const name = credentialsName(to.resource);
  try {
    const data = await dataOf(work.cluster, outputs, to);
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      type: "Opaque",
      metadata: { name, namespace },
      data,
    };
    const wish = { namespace, keeper, force: false, adopt: false, prune: false };
    try {
      await applyObjects(work, { ...wish, objects: [secret] });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await ensureNamespace(work, namespace);
      await applyObjects(work, { ...wish, objects: [secret] });
    }
    return `k8s://${namespace}/${name}`;
  } catch (error) {
    to.signal.throwIfAborted();
    throw toStepError(error, `writing the credentials to Secret ${namespace}/${name}`, true);
  }
}

/** After the resource itself is deleted. */
export async function removeCredentials(
  tools: KubernetesTools | undefined,
  to: CredentialsFor,
): Promise<void> {
  const work = workFor(tools, to);
  if (work === undefined) return;
  try {
    const entries = await work.inventory.read(to.scope, to.resource.uid);
    const own = entries.filter(
      (it) => it.keeper === keeper && it.kind === "Secret" && it.cluster === work.cluster.name,
    );
    if (own.length > 0) await removeEntries(work, own, { propagation: "Background", wait: true });
  } catch (error) {
    to.signal.throwIfAborted();
    throw toStepError(error, "removing the Secret with its credentials", true);
  }
}

/** The value that a reference points at; `undefined`: it is not there. @throws as a step does */
export async function readClusterSecret(
  tools: KubernetesTools | undefined,
  scope: Scope,
  provider: string,
  reference: KubernetesReference,
  signal: AbortSignal,
): Promise<string | undefined> {
  const cluster = tools?.clusters.find(scope, provider);
  if (cluster === undefined) return undefined;
  try {
    return await readValue(cluster, reference, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { namespace, secret } = reference;
    throw toStepError(error, `reading Secret ${namespace}/${secret}`, false);
  }
}

/** Within Kubernetes' 253 characters: both names are at most 63. */
const credentialsName = ({ identity, name }: ResourceIdentity): string => `${identity}-${name}`;

function workFor(tools: KubernetesTools | undefined, to: CredentialsFor): Work | undefined {
  const { scope, resource, run, signal, provider } = to;
  const cluster = tools?.clusters.find(scope, provider);
  if (tools === undefined || cluster === undefined) return undefined;
  const ignore = () => undefined;
  return {
    cluster,
    inventory: tools.inventory,
    scope,
    uid: resource.uid,
    run,
    signal,
    log: ignore,
    changed: ignore,
  };
}

async function dataOf(
  cluster: Cluster,
  outputs: JsonRecord,
  { masker, signal }: CredentialsFor,
): Promise<Readonly<Record<string, string>>> {
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(outputs)) {
    if (value === null || !/^[-._a-zA-Z0-9]{1,253}$/.test(key)) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const reference = parseReference(text);
    const plain = reference?.kind === "k8s" ? await readValue(cluster, reference, signal) : text;
    if (plain === undefined) continue;
    if (reference?.kind === "k8s") masker.add(plain);
    data[key] = Buffer.from(plain, "utf8").toString("base64");
  }
  return data;
}

async function readValue(
  cluster: Cluster,
  { namespace, secret, key }: KubernetesReference,
  signal: AbortSignal,
): Promise<string | undefined> {
  const kind = await findKind(cluster, { apiVersion: "v1", kind: "Secret" }, signal);
  const found = await getObject(cluster, kind, { namespace, name: secret }, signal);
  const values = found === undefined ? {} : valuesOf(found);
  return Object.hasOwn(values, key) ? values[key] : undefined;
}
