/** The types a manifest claims, and the workflow of each operation; what is wrong with one leaves the others. */
import { nearestWord } from "../document/suggest.ts";
import { workflowOperations, type WorkflowOperation } from "../model/workflow.ts";
import type { BrokenCapability, Capability, TaggedWorkflow, WorkflowChoice } from "./provider.ts";
import type { CapabilityEntry, Manifest, OperationEntry } from "./manifest-schema.ts";
import type { Located, Path, Report } from "./report.ts";
import type { WorkflowFiles } from "./workflow-files.ts";

export interface ReadCapabilities {
  readonly capabilities: readonly Capability[];
  readonly broken: readonly BrokenCapability[];
}

export function readCapabilities(
  manifest: Manifest,
  files: WorkflowFiles,
  document: Located,
  report: Report,
): ReadCapabilities {
  for (const [index, { name }] of (manifest.provisioners ?? []).entries()) {
    const message = `the provisioner ${name ?? ""} names no workflow, and is ignored`;
    const hint = "claim its type under `capabilities.resourceTypeCapabilities`";
    report.add(["provisioners", index], {
      code: "provider/ignored-field",
      severity: "warning",
      message,
      hint,
    });
  }
  const { resourceTypeCapabilities, resourceTypes } = manifest.capabilities ?? {};
  // As upstream does: where the new form is there, it alone counts.
  const read = resourceTypeCapabilities
    ? resourceTypeCapabilities.map((entry, index) => {
        const path = ["capabilities", "resourceTypeCapabilities", index];
        return { path: [...path, "type"], ...readCapability(entry, path, files, document, report) };
      })
    : (resourceTypes ?? []).map((type, index) => {
        const path = ["capabilities", "resourceTypes", index];
        return { path, ...readLegacyType(type, path, files, document, report) };
      });

  const types = read.map(({ capability, broken }) => (capability ?? broken)?.type);
  for (const [index, { path }] of read.entries()) {
    if (types.indexOf(types[index]) === index) continue;
    const message = `the type "${types[index]}" is claimed twice`;
    report.add(path, { code: "provider/duplicate-type", message, hint: "remove one of the two" });
  }
  return {
    capabilities: read.flatMap((it, index) =>
      it.capability === undefined || types.indexOf(it.capability.type) !== index
        ? []
        : [it.capability],
    ),
    broken: read.flatMap((it) => it.broken ?? []),
  };
}

interface ReadOne {
  readonly capability?: Capability;
  readonly broken?: BrokenCapability;
}

function readCapability(
  entry: CapabilityEntry,
  path: Path,
  files: WorkflowFiles,
  document: Located,
  report: Report,
): ReadOne {
  const { type, aliasFor, stateful = false, operations = {} } = entry;
  const place = document.at([...path, "type"], "value");
  if (aliasFor !== undefined) {
    if (entry.operations !== undefined) {
      const message = `"${type}" is an alias: its own operations are ignored`;
      const hint = "remove `operations` or `aliasFor`";
      report.add([...path, "operations"], {
        code: "provider/ignored-field",
        severity: "warning",
        message,
        hint,
        part: "key",
      });
    }
    return { capability: { type, aliasFor, stateful, operations: {}, place } };
  }
  if (operations.read !== undefined) {
    const message = "`read` is never run, and is ignored";
    const hint = "name a workflow that tells whether the resource exists under `observe`";
    report.add([...path, "operations", "read"], {
      code: "provider/ignored-field",
      severity: "warning",
      message,
      hint,
      part: "key",
    });
  }

  const faults: string[] = [];
  const choices = workflowOperations.flatMap((operation): [WorkflowOperation, WorkflowChoice][] => {
    const given = operations[operation];
    if (given === undefined) return [];
    const at = [...path, "operations", operation];
    const choice = readChoice(given, at, files, report, faults);
    return choice === undefined ? [] : [[operation, choice]];
  });
  if (operations.create === undefined) {
    const message = `"${type}" has no create workflow`;
    report.add([...path, "type"], {
      code: "provider/no-create",
      message,
      hint: "name one under `operations.create`",
    });
    faults.push("it has no create workflow");
  }
  if (operations.delete === undefined) warnNoDelete(type, [...path, "type"], report);
  const [fault] = faults;
  if (fault !== undefined) return { broken: { type, place, message: fault } };
  return { capability: { type, stateful, operations: Object.fromEntries(choices), place } };
}

/** Legacy: create only, by the first provisioner workflow. */
function readLegacyType(
  type: string,
  path: Path,
  files: WorkflowFiles,
  document: Located,
  report: Report,
): ReadOne {
  const place = document.at(path, "value");
  const first = [...files.entries.values()].find(
    ({ category, operation }) =>
      category !== "goldenpath" && (operation === undefined || operation === "create"),
  );
  if (first === undefined) {
    const message = `the manifest has no workflow that could create "${type}"`;
    report.add(path, { code: "provider/no-create", message, hint: "list one under `workflows`" });
    return { broken: { type, place, message: "it has no create workflow" } };
  }
  warnNoDelete(type, path, report);
  if (!files.workflows.has(first.name)) {
    return { broken: { type, place, message: `its workflow "${first.name}" has mistakes` } };
  }
  const create: WorkflowChoice = { default: first.name, tagged: [] };
  return { capability: { type, stateful: false, operations: { create }, place } };
}

function warnNoDelete(type: string, path: Path, report: Report): void {
  const message = `"${type}" has no delete workflow: what it creates can only be abandoned`;
  const hint = "name one under `capabilities.resourceTypeCapabilities[].operations.delete`";
  report.add(path, { code: "provider/no-delete", severity: "warning", message, hint });
}

/** `undefined`, and one of `faults`, where the operation cannot run. */
function readChoice(
  { workflow, workflows = [], default: preset, inCluster }: OperationEntry,
  path: Path,
  files: WorkflowFiles,
  report: Report,
  faults: string[],
): WorkflowChoice | undefined {
  const usable = (name: string, at: Path): boolean => {
    if (files.workflows.has(name)) return true;
    if (files.entries.has(name)) {
      faults.push(`its workflow "${name}" has mistakes`);
      return false;
    }
    const known = [...files.entries.keys()];
    const near = nearestWord(name, known);
    const hint =
      near === undefined
        ? `list it under \`workflows\`, or use one of: ${known.join(", ")}`
        : `did you mean \`${near}\`?`;
    report.add(at, {
      code: "provider/unknown-workflow",
      message: `no workflow is named "${name}"`,
      hint,
    });
    faults.push(`it names the workflow "${name}", which is not there`);
    return false;
  };
  const tagged = workflows.map(({ name, tags }, index): TaggedWorkflow | undefined =>
    usable(name, [...path, "workflows", index, "name"])
      ? { name, tags: tags ?? files.entries.get(name)?.tags ?? [] }
      : undefined,
  );
  const first = preset ?? workflow ?? workflows[0]?.name;
  if (first === undefined) {
    report.add(path, {
      code: "provider/no-workflow",
      message: "the operation names no workflow",
      hint: "add `workflow: <name>`",
      part: "key",
    });
    faults.push("an operation of it names no workflow");
    return undefined;
  }
  const named = tagged.filter((it) => it !== undefined);
  const key = preset === undefined ? "workflow" : "default";
  const isListed = preset === undefined && workflow === undefined;
  if (!isListed && !usable(first, [...path, key])) return undefined;
  if (inCluster === undefined) return { default: first, tagged: named };
  if (!usable(inCluster, [...path, "inCluster"])) return undefined;
  return { default: first, inCluster, tagged: named };
}
