/** The repository of the story on Kubernetes: a provider of one type, and a spec that asks for it. */
import { stringify } from "yaml";

const namespace = "{{ .parameters.namespace }}";
const manifest = `apiVersion: v1
kind: ConfigMap
metadata: { name: "{{ .parameters.app_name }}-{{ .parameters.resource_name }}" }
data: { level: {{ .parameters.level | yamlQuote }} }
`;

const workflow = (name: string, steps: readonly object[], more: object = {}): string =>
  stringify({
    apiVersion: "innominatus.io/v1alpha1",
    kind: "Workflow",
    metadata: { name },
    steps,
    ...more,
  });

const parameters = [{ name: "level", type: "string", default: "info" }];
const make = [
  { name: "token", type: "secret", config: {} },
  { name: "namespace", type: "kubernetes", config: { operation: "create-namespace", namespace } },
  { name: "object", type: "kubernetes", config: { operation: "apply", namespace, manifest } },
];
const outputs = { level: "{{ .parameters.level }}", token: "{{ .steps.token.output.value }}" };

export const specFile = "apps/demo/score.yaml";

/** Texts by path. */
export const kubeFiles: Readonly<Record<string, string>> = {
  "README.md": "Settings of applications, as ConfigMaps.\n",
  "providers/settings-team/provider.yaml": stringify({
    apiVersion: "v1",
    kind: "Provider",
    metadata: { name: "settings-team", version: "1.0.0" },
    compatibility: { minCoreVersion: "1.0.0" },
    capabilities: {
      resourceTypeCapabilities: [
        {
          type: "settings",
          operations: {
            create: { workflow: "make" },
            update: { workflow: "make" },
            delete: { workflow: "remove" },
          },
        },
      ],
    },
    workflows: [
      { name: "make", file: "./workflows/make.yaml" },
      { name: "remove", file: "./workflows/remove.yaml" },
    ],
  }),
  "providers/settings-team/workflows/make.yaml": workflow("make", make, { parameters, outputs }),
  "providers/settings-team/workflows/remove.yaml": workflow("remove", [
    { name: "objects", type: "kubernetes", config: { operation: "delete", inventory: true } },
  ]),
};

export const kubeSpec = (workload: string, level: string): string =>
  stringify({
    apiVersion: "score.dev/v1b1",
    metadata: { name: workload },
    containers: { web: { image: "nginx" } },
    resources: { settings: { type: "settings", params: { level } } },
  });
