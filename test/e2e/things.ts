/**
 * A provider whose effects a test can see: a thing is a file in a folder, and every script writes a
 * line to `effects` when it has begun and one when it is done.
 */
import { join } from "node:path";
import type { Json, JsonRecord } from "../../src/model/json.ts";
import type { Files } from "../support/repository.ts";

const types = ["thing", "keepsake"];

export interface ThingsOptions {
  readonly version?: string;
  /** Goes into every line of an effect. */
  readonly mark?: string;
  /** Types that it serves: `keepsake` is stateful, the others are not. */
  readonly types?: readonly string[];
  readonly folder?: string;
  /** Makes a thing in two steps: `prepare`, then `create`. */
  readonly prepare?: boolean;
}

/** The provider `things-team`, as files of a repository. */
export function thingsProvider(root: string, options: ThingsOptions = {}): Files {
  const {
    version = "1.0.0",
    mark = "",
    types: served = types,
    folder = "providers/things",
    prepare = false,
  } = options;
  const operations = Object.fromEntries(
    ["create", "update", "delete", "observe"].map((it) => [it, { workflow: it }]),
  );
  const manifest = {
    apiVersion: "v1",
    kind: "Provider",
    metadata: { name: "things-team", version },
    capabilities: {
      resourceTypeCapabilities: served.map((type) => ({
        type,
        operations,
        ...(type === "keepsake" ? { stateful: true } : {}),
      })),
    },
    workflows: Object.keys(operations).map((it) => ({ name: it, file: `./${it}.yaml` })),
  };
  const password = { name: "password", type: "secret", config: { length: 24 } };
  const made = {
    host: "{{ .steps.do.output.host }}",
    size: "{{ .steps.do.output.size }}",
    password: "{{ .steps.password.output.value }}",
  };
  const write = (verb: string): string =>
    script(root, verb, mark, [
      `echo "$PARAM_SIZE $PARAM_PEER $PARAM_TOKEN" > "$thing"`,
      `printf '{"host":"%s.example","size":"%s"}\\n' "$name" "$PARAM_SIZE"`,
    ]);
  const making = [
    password,
    ...(prepare ? [step("prepare", script(root, "prepare", mark, []))] : []),
    step("do", write("create")),
  ];
  return {
    [`${folder}/provider.yaml`]: text(manifest),
    [`${folder}/create.yaml`]: workflow("create", making, made),
    [`${folder}/update.yaml`]: workflow("update", [step("do", write("update"))], {
      size: made.size,
    }),
    [`${folder}/delete.yaml`]: workflow("delete", [
      step(
        "do",
        script(root, "delete", mark, [`[ -e "${root}/fail/keep-$name" ] || rm -f "$thing"`]),
      ),
    ]),
    [`${folder}/observe.yaml`]: workflow(
      "observe",
      [
        step(
          "look",
          `${head(root)}\n[ -e "$thing" ] && echo '{"exists":true}' || echo '{"exists":false}'`,
        ),
      ],
      { exists: "{{ .steps.look.output.exists }}" },
    ),
  };
}

const text = (value: Json): string => `${JSON.stringify(value, null, 2)}\n`;

const step = (name: string, body: string): JsonRecord => ({
  name,
  type: "policy",
  retries: 0,
  config: { script: body },
});

const head = (root: string): string =>
  `set -eu; name="$APP_NAME.$RESOURCE_NAME"; thing="${join(root, "things")}/$name"`;

/** A step that begins, can be held and can be made to fail, and does `lines` when neither is so. */
const script = (root: string, verb: string, mark: string, lines: readonly string[]): string =>
  [
    head(root),
    `echo "${verb} $name begins${mark}" >> "${root}/effects"`,
    `while [ -e "${root}/hold/${verb}-$name" ]; do sleep 0.02; done`,
    `if [ -e "${root}/fail/${verb}-$name" ]; then echo "$name cannot be ${verb}d" >&2; exit 1; fi`,
    ...lines,
    `echo "${verb} $name${mark}" >> "${root}/effects"`,
  ].join("\n");

const workflow = (name: string, steps: readonly JsonRecord[], outputs: JsonRecord = {}): string =>
  text({
    apiVersion: "innominatus.io/v1alpha1",
    kind: "Workflow",
    metadata: { name },
    parameters: [
      { name: "size", type: "string", default: "small" },
      { name: "peer", type: "string", default: "" },
      { name: "token", type: "string", default: "", sensitive: true },
      { name: "region", type: "string", default: "north", immutable: true },
    ],
    steps: [...steps],
    outputs,
  });

export interface ThingSpec {
  readonly type?: string;
  readonly class?: string;
  readonly id?: string;
  readonly params?: JsonRecord;
}

/** A spec of one workload, with these resources (of type `thing` unless told). */
export function spec(
  name: string,
  resources: Readonly<Record<string, ThingSpec>> = { it: {} },
  annotations: Readonly<Record<string, string>> = {},
): string {
  return text({
    apiVersion: "score.dev/v1b1",
    metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    containers: { web: { image: "example/web:1" } },
    resources: Object.fromEntries(
      Object.entries(resources).map(([key, it]) => [key, { type: "thing", ...it }]),
    ),
  });
}

export const specPath = (app: string): string => `apps/${app}/score.yaml`;

/** `.innominatus.yaml` with these deletion settings. */
export const settings = (deletion: JsonRecord, more: JsonRecord = {}): string =>
  text({ apiVersion: "innominatus.dev/v1", kind: "Repository", deletion, ...more });

/** Specs of apps with one thing each. */
export const apps = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((it) => [specPath(it), spec(it)]));
