/**
 * What a run works with, when it starts: placeholders filled from the outputs of other resources,
 * secrets in plain for the run and as references for the record.
 */
import { needsByName } from "../desired/needs.ts";
import { StallingError } from "../model/errors.ts";
import { isRecord, type JsonRecord } from "../model/json.ts";
import type { Recorded } from "../model/resource.ts";
import type { Scope, Uid } from "../model/uid.ts";
import type { Workflow } from "../model/workflow.ts";
import { engineInputs } from "../provider/engine-inputs.ts";
import { bindParameters } from "../provider/parameters.ts";
import { lookupIn } from "../score/lookup.ts";
import { substitute } from "../score/placeholders.ts";
import { parseReference, type KubernetesReference } from "../secrets/reference.ts";
import type { Vault } from "../secrets/vault.ts";

export interface RunInputs {
  /** For the workflow: final values. */
  readonly parameters: JsonRecord;
  /** For the record: secrets as references. */
  readonly params: JsonRecord;
  /** Every secret value in `parameters`. */
  readonly secrets: readonly string[];
}

/** Reads what recorded resources have put out. */
export interface OutputsReader {
  resource(uid: Uid): Promise<Recorded | undefined>;
  readonly vault: Vault;
  /** The value in a Secret of the cluster; `undefined`: it is not there. */
  cluster(reference: KubernetesReference, provider: string): Promise<string | undefined>;
}

export async function resolveInputs(
  scope: Scope,
  resource: Recorded,
  template: JsonRecord,
  dependsOn: readonly Uid[],
  workflow: Workflow,
  reader: OutputsReader,
): Promise<RunInputs> {
  const shown = new Map<string, JsonRecord>();
  const plain = new Map<string, JsonRecord>();
  const secrets: string[] = [];
  for (const [name, uid] of needsByName(template, dependsOn)) {
    const found = await reader.resource(uid);
    if (found === undefined) continue;
    const values = await readSecrets(scope, found, reader);
    secrets.push(...Object.values(values));
    shown.set(name, { ...found.outputs, ...found.secretRefs });
    plain.set(name, { ...found.outputs, ...values });
  }
  const own = await readSecrets(scope, resource, reader);
  secrets.push(...Object.values(own));

  const { faults, parameters } = bind(scope, resource, fill(template, plain), workflow, {
    ...resource.outputs,
    ...own,
  });
  const [fault] = faults;
  if (fault !== undefined) {
    throw new StallingError("ParameterInvalid", fault.message, fault.hint);
  }
  return { parameters, params: fill(template, shown), secrets };
}

function bind(
  scope: Scope,
  resource: Recorded,
  params: JsonRecord,
  workflow: Workflow,
  outputs: JsonRecord,
) {
  const engine = engineInputs({ ...resource, ...scope });
  const { values, faults } = bindParameters(workflow, { engine, params, outputs });
  return { parameters: values, faults };
}

/** Names within a workload's params are names of its own resources. @throws {StallingError} */
function fill(template: JsonRecord, outputs: ReadonlyMap<string, JsonRecord>): JsonRecord {
  const lookup = lookupIn({ metadata: {}, outputs: (name) => outputs.get(name) });
  const { value, faults } = substitute(template, lookup);
  const [fault] = faults;
  if (fault !== undefined) {
    const hint = "correct the reference in the spec, or let the provider give this output";
    throw new StallingError("OutputMissing", fault.message, hint);
  }
  return isRecord(value) ? value : {};
}

async function readSecrets(
  scope: Scope,
  { uid, secretRefs, bundle }: Recorded,
  { vault, cluster }: Pick<OutputsReader, "vault" | "cluster">,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [key, text] of Object.entries(secretRefs)) {
    const reference = parseReference(text);
    const value =
      reference?.kind === "k8s"
        ? await cluster(reference, bundle.provider)
        : await vault.get({ ...scope, uid, key });
    if (value !== undefined) values[key] = value;
  }
  return values;
}
