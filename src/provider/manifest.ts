/**
 * A provider's manifest and the workflows it names → a provider. A bad workflow takes only the
 * capabilities that use it along, and those are kept as `broken`: their types are still this provider's.
 */
import { check } from "../document/check.ts";
import type { ParsedDocument } from "../document/file.ts";
import { isRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";
import { readCapabilities } from "./capabilities.ts";
import { checkCompatibility } from "./compatibility.ts";
import { claimsSchema, manifestSchema } from "./manifest-schema.ts";
import type { GoldenPath, Provider, ProviderSource } from "./provider.ts";
import { startReport } from "./report.ts";
import { reportUnknownFields } from "./unknown-fields.ts";
import { readWorkflowFiles, type ReadText, type WorkflowFiles } from "./workflow-files.ts";

/** A provider of ours: Flux's and Crossplane's have the same kind under a group. */
export function isProvider(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { kind, apiVersion } = value;
  const ours = typeof apiVersion !== "string" || !apiVersion.includes("/");
  return ours && (kind === "Provider" || kind === "Platform");
}

/**
 * @param readText text of a file by its path, from where `document.file` is counted too
 * @returns no provider only where the manifest claims nothing that could be read
 */
export function readProvider(
  document: ParsedDocument,
  readText: ReadText,
  source: ProviderSource,
): { readonly provider: Provider | undefined; readonly problems: readonly Problem[] } {
  const checked = check(document, manifestSchema);
  const report = startReport(document, checked.problems);
  reportUnknownFields(manifestSchema, document.value, report);
  if (!checked.ok) return { provider: claimsOf(document, source), problems: report.problems };

  const manifest = checked.value;
  checkCompatibility(manifest, report);
  const files = readWorkflowFiles(manifest, document, readText, source.layer === "shipped", report);
  const { capabilities, broken } = readCapabilities(manifest, files, document, report);
  const { name, version, category, description } = manifest.metadata;
  const provider: Provider = {
    name,
    version,
    source,
    place: document.at(["metadata", "name"], "value"),
    category: category ?? "",
    description: description ?? "",
    capabilities,
    broken,
    workflows: files.workflows,
    goldenPaths: goldenPathsOf(files),
  };
  return { provider, problems: report.problems };
}

/** One whose workflow has mistakes is told as a problem of the file, and not offered. */
const goldenPathsOf = ({ entries, workflows }: WorkflowFiles): readonly GoldenPath[] =>
  [...entries.values()]
    .filter(({ name, category }) => category === "goldenpath" && workflows.has(name))
    .map(({ name, description, version, tags }) => ({
      name,
      description: description ?? "",
      version: version ?? "",
      tags: tags ?? [],
    }));

/**
 * What a manifest with mistakes claims all the same: were its types another provider's meanwhile, a
 * slip of the pen would hand running resources over to that one.
 */
function claimsOf(document: ParsedDocument, source: ProviderSource): Provider | undefined {
  const { metadata, capabilities } = claimsSchema.parse(document.value);
  const path = ["capabilities", "resourceTypeCapabilities"];
  const listed = capabilities.resourceTypeCapabilities;
  const types = listed.length > 0 ? listed.map((it) => it.type) : capabilities.resourceTypes;
  const claimed = [...new Set(types.filter((it) => it !== ""))];
  if (claimed.length === 0) return undefined;
  const place = document.at(path);
  const message = "its manifest has mistakes";
  return {
    ...metadata,
    source,
    place: document.at(["metadata", "name"], "value"),
    category: "",
    description: "",
    capabilities: [],
    broken: claimed.map((type) => ({ type, place, message })),
    workflows: new Map(),
    goldenPaths: [],
  };
}
