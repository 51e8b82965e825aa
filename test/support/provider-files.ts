/** Providers from files in memory or in a folder, for tests. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFile } from "../../src/document/file.ts";
import { readProvider } from "../../src/provider/manifest.ts";
import type { Layer, Provider } from "../../src/provider/provider.ts";

export type Files = Readonly<Record<string, string>>;

export function readFiles(
  files: Files,
  manifest = "team/provider.yaml",
  layer: Layer = "repository",
): ReturnType<typeof readProvider> {
  const read = (path: string): string | undefined =>
    Object.hasOwn(files, path) ? files[path] : undefined;
  return readManifest(manifest, read, layer);
}

export function readFolder(
  folder: string,
  manifest: string,
  layer: Layer = "repository",
): ReturnType<typeof readProvider> {
  const read = (path: string): string | undefined => {
    const file = join(folder, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  };
  return readManifest(manifest, read, layer);
}

function readManifest(
  manifest: string,
  read: (path: string) => string | undefined,
  layer: Layer,
): ReturnType<typeof readProvider> {
  const { documents, problems } = parseFile(manifest, read(manifest) ?? "");
  const [document] = documents;
  if (document === undefined) return { provider: undefined, problems };
  const result = readProvider(document, read, { layer, label: "test" });
  return { ...result, problems: [...problems, ...result.problems] };
}

export const policyWorkflow = (script = "echo '{}'", name = "it"): string =>
  `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
steps:
  - name: do
    type: policy
    config: { script: ${JSON.stringify(script)} }
`;

/** A provider that serves `types` by one workflow each for create and delete. */
export function simpleProvider(name: string, types: readonly string[], layer: Layer): Provider {
  const capabilities = types.map(
    (type) =>
      `    - { type: ${type}, operations: { create: { workflow: it }, delete: { workflow: it } } }`,
  );
  const manifest = `apiVersion: v1
kind: Provider
metadata: { name: ${name}, version: 1.0.0 }
capabilities:
  resourceTypeCapabilities:
${capabilities.join("\n")}
workflows:
  - { name: it, file: ./it.yaml }
`;
  const files = { [`${name}/provider.yaml`]: manifest, [`${name}/it.yaml`]: policyWorkflow() };
  const { provider, problems } = readFiles(files, `${name}/provider.yaml`, layer);
  if (provider === undefined) throw new Error(JSON.stringify(problems));
  return provider;
}
