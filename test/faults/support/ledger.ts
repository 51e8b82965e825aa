/**
 * A provider of `thing` that keeps its own books: what it made, by which step's key, and whatever it
 * was asked that no correct controller asks for. They are files, so that they outlive every process.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Files, Origin } from "../../support/repository.ts";

/** By workload: its resources, and their sizes. Names of resources are unique over all workloads. */
export type Wanted = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface LedgerOptions {
  /** Bash before and after the effect of `create`, `update` and `delete`; `$world` and `$name` are set. */
  readonly around?: Readonly<Record<string, { readonly before?: string; readonly after?: string }>>;
  /** A password is made for each thing, given to its script, and printed by it. */
  readonly secret?: boolean;
  /** Bash of a step of its own before a thing is made. */
  readonly prepare?: string;
  /** Of each step. */
  readonly timeout?: string;
  /** A size cannot change in place: another one is a replacement. */
  readonly immutable?: boolean;
  /** Before a deletion. */
  readonly grace?: string;
}

const specFileOf = (workload: string): string => `apps/${workload}/score.yaml`;

const specOf = (workload: string, sizes: Readonly<Record<string, string>>): string => `
apiVersion: score.dev/v1b1
metadata:
  name: ${workload}
containers:
  web:
    image: example/${workload}:1
resources:
${Object.entries(sizes)
  .map(([name, size]) => `  ${name}: { type: thing, params: { size: ${size} } }`)
  .join("\n")}
`;

export const specsOf = (wanted: Wanted): Files =>
  Object.fromEntries(
    Object.entries(wanted).map(([name, sizes]) => [specFileOf(name), specOf(name, sizes)]),
  );

/** @param world folder of the books; `openBooks` makes what is in it */
export function ledgerFiles(world: string, options: LedgerOptions): Files {
  const { around = {}, secret = false, prepare, timeout = "60s", grace = "0s" } = options;
  const immutable = options.immutable === true ? ", immutable: true" : "";
  const workflow = (operation: string, effect: string, steps = ""): string => `
apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata:
  name: ${operation}-thing
${operation === "delete" ? "" : `parameters:\n  - { name: size, type: string, default: small${immutable} }`}
steps:${steps}
  - name: make
    type: policy
    timeout: ${timeout}
    config:
      script: |
        set -euo pipefail
        world='${world}' name=$RESOURCE_NAME key=$INNOMINATUS_STEP_KEY
        # Held for as long as this process lives, and no longer.
        exec 9> "$world/locks/$name"
        flock -n 9 || echo "$name $key" >> "$world/overlaps"
        token='${secret && operation === "create" ? "{{ .steps.secret.output.value }}" : ""}'
        if [ -n "$token" ]; then echo "$token" >> "$world/secrets"; echo "made with $token"; fi
        ${around[operation]?.before ?? ":"}
        by=''; { read -r by < "$world/owners/$name"; } 2> /dev/null || true
        ${effect}
        echo "${operation} $name $key" >> "$world/ledger"
        ${around[operation]?.after ?? ":"}
${operation === "delete" ? "" : 'outputs:\n  size: "{{ .steps.make.output.size }}"'}
`;
  const said = `echo '{"size":"'"$PARAM_SIZE"'"}'`;
  const misses = (condition: string): string =>
    `if ${condition}; then echo "$name $key" >> "$world/doubles"; fi`;
  // An owner is written last and in one piece: a killed script is repeated under the same key.
  const own = `echo "$key" > "$world/owners/.$name" && mv "$world/owners/.$name" "$world/owners/$name"`;
  const create = [
    misses(`[ -e "$world/things/$name" ] && [ "$by" != "$key" ]`),
    own,
    `echo "$PARAM_SIZE" > "$world/things/$name"`,
    said,
  ];
  const update = [
    misses(`[ ! -e "$world/things/$name" ]`),
    `echo "$PARAM_SIZE" > "$world/things/$name"`,
    said,
  ];
  // What is gone is deleted: a creation that was killed before it had made anything is none.
  const remove = [`rm -f "$world/things/$name" "$world/owners/$name"`];
  const preparation = (script: string): string => `
  - name: prepare
    type: policy
    config:
      script: |
        world='${world}'
        ${script}`;
  const password = `
  - name: secret
    type: secret
    config: { length: 24, alphabet: alphanumeric }`;
  return {
    ".innominatus.yaml": `
apiVersion: innominatus.dev/v1
kind: Repository
deletion: { budget: { count: 100000, percent: 100 }, grace: ${grace}, statefulGrace: 0s }
`,
    "providers/team/provider.yaml": `
apiVersion: v1
kind: Provider
metadata:
  name: team
  version: 1.0.0
capabilities:
  resourceTypeCapabilities:
    - type: thing
      operations:
        create: { workflow: create-thing }
        update: { workflow: update-thing }
        delete: { workflow: delete-thing }
workflows:
  - { name: create-thing, file: ./workflows/create.yaml, operation: create }
  - { name: update-thing, file: ./workflows/update.yaml, operation: update }
  - { name: delete-thing, file: ./workflows/delete.yaml, operation: delete }
`,
    "providers/team/workflows/create.yaml": workflow(
      "create",
      create.join("; "),
      (prepare === undefined ? "" : preparation(prepare)) + (secret ? password : ""),
    ),
    "providers/team/workflows/update.yaml": workflow("update", update.join("; ")),
    "providers/team/workflows/delete.yaml": workflow("delete", remove.join("; ")),
  };
}

/** Folders that the scripts write to. */
export const bookFolders = ["locks", "owners", "things"];

/** What is there, with its size. */
export async function things(world: string): Promise<Readonly<Record<string, string>>> {
  const folder = join(world, "things");
  const names = (await readdir(folder)).toSorted();
  const sizes = await Promise.all(names.map((it) => readFile(join(folder, it), "utf8")));
  return Object.fromEntries(names.map((name, index) => [name, (sizes[index] ?? "").trim()]));
}

/** Lines of one of the books; none where nothing was written to it. */
export async function linesOf(world: string, book: string): Promise<readonly string[]> {
  const text = await readFile(join(world, book), "utf8").catch(() => "");
  return text.split("\n").filter((it) => it !== "");
}

/** What a commit asks for: sizes by uid. */
export async function wantedAt(origin: Origin, ref: string): Promise<ReadonlyMap<string, string>> {
  const pattern = "^  [a-z0-9]+: \\{ type: thing";
  // No match is an exit code of 1 to git.
  const args = ["grep", "-E", pattern, ref, "--", "apps"];
  const output = await origin.git(args).catch(() => "");
  const found = /\/([^/]+)\/score\.yaml: {2}([a-z0-9]+): .* size: (\w+)/g;
  return new Map(
    [...output.matchAll(found)].map(([, workload = "", name = "", size = ""]) => [
      `thing.default#${workload}.${name}`,
      size,
    ]),
  );
}

export const statusBranch = "innominatus/status";

/** What the status branch says is there, and how: `uid phase size`, sorted. */
export async function published(origin: Origin): Promise<readonly string[]> {
  const args = ["grep", "-h", "-E", "uid: |phase: |outputs: ", statusBranch, "--", "*.yaml"];
  const lines = (await origin.git(args).catch(() => "")).split("\n");
  const text = lines.map((it) => it.trim().replace(/^- /, "")).join("\n");
  const found = /uid: "?(\S+?)"?\nphase: (\w+)\noutputs: \{(?:.*?size: "?(\w+))?/g;
  return [...text.matchAll(found)]
    .map(([, uid, phase, size = "unknown"]) => `${uid} ${phase} ${size}`)
    .toSorted();
}

/** What it has to say once `wanted` is there. */
export const allActive = (wanted: ReadonlyMap<string, string>): readonly string[] =>
  [...wanted].map(([uid, size]) => `${uid} active ${size}`).toSorted();
