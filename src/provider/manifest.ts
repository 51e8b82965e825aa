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
import { manifestSchema } from "./manifest-schema.ts";
import type { Provider, ProviderSource } from "./provider.ts";
import { startReport } from "./report.ts";
import { reportUnknownFields } from "./unknown-fields.ts";
import { readWorkflowFiles, type ReadText } from "./workflow-files.ts";

/** A provider of ours: Flux's and Crossplane's have the same kind under a group. */
export function isProvider(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { kind, apiVersion } = value;
  const ours = typeof apiVersion !== "string" || !apiVersion.includes("/");
  return ours && (kind === "Provider" || kind === "Platform");
}

/**
 * @param readText text of a file by its path, from where `document.file` is counted too
 * @returns no provider only where the manifest itself is not one
 */
export function readProvider(
  document: ParsedDocument,
  readText: ReadText,
  source: ProviderSource,
): { readonly provider: Provider | undefined; readonly problems: readonly Problem[] } {
  const checked = check(document, manifestSchema);
  const report = startReport(document, checked.problems);
  reportUnknownFields(manifestSchema, document.value, report);
  if (!checked.ok) return { provider: undefined, problems: report.problems };

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
  };
  return { provider, problems: report.problems };
}
