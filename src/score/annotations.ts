/** The annotations `innominatus.dev/…` of a workload and its resources (law 3, law 4). */
import type { Where } from "../document/check.ts";
import { nearestWord } from "../document/suggest.ts";
import { isRecord, own, type Json, type JsonRecord } from "../model/json.ts";
import type { Problem } from "../model/problem.ts";
import { recordsIn } from "./expanded.ts";
import { isLabel } from "./schema.ts";

export interface Annotations {
  /** `undefined`: none; the workload's name serves. */
  readonly identity: string | undefined;
  protects(resource: string): boolean;
  holds(resource: string): boolean;
  readonly problems: readonly Problem[];
}

const prefix = "innominatus.dev/";
const known = { workload: ["id", "protect", "hold"], resource: ["protect", "hold"] } as const;

/** A flag of the workload holds for each of its resources. */
export function readAnnotations(spec: JsonRecord, where: Where): Annotations {
  const problems: Problem[] = [];
  const workload = readOurs(own(spec, "metadata"), ["metadata"], "workload", where, problems);
  const resources = new Map(
    recordsIn(own(spec, "resources")).map(([name, resource]) => {
      const at = ["resources", name, "metadata"];
      return [name, readOurs(own(resource, "metadata"), at, "resource", where, problems)];
    }),
  );
  const has = (flag: string) => (resource: string) =>
    workload.flags.has(flag) || (resources.get(resource)?.flags.has(flag) ?? false);
  return { identity: workload.id, protects: has("protect"), holds: has("hold"), problems };
}

function readOurs(
  metadata: Json | undefined,
  path: readonly string[],
  kind: keyof typeof known,
  where: Where,
  problems: Problem[],
) {
  const flags = new Set<string>();
  let id: string | undefined;
  const annotations = isRecord(metadata) ? own(metadata, "annotations") : undefined;
  for (const [key, value] of isRecord(annotations) ? Object.entries(annotations) : []) {
    if (!key.startsWith(prefix) || typeof value !== "string") continue;
    const name = key.slice(prefix.length);
    const tell = (severity: Problem["severity"], code: string, message: string, hint: string) => {
      const { place, pointer } = where([...path, "annotations", key]);
      problems.push({ ...place, pointer, code: `score/${code}`, severity, message, hint });
    };

    if (!known[kind].some((it) => it === name)) {
      const near = nearestWord(name, known[kind]);
      const message = `the annotation \`${key}\` means nothing on a ${kind}`;
      const names = known[kind].map((it) => `\`${prefix}${it}\``).join(", ");
      const hint =
        near === undefined ? `known here: ${names}` : `did you mean \`${prefix}${near}\`?`;
      tell("warning", "unknown-annotation", message, hint);
    } else if (name === "id") {
      id = value;
      if (isLabel(value)) continue;
      const message = `found "${value}" as \`${key}\`, expected 2 to 63 of a-z, 0-9 and \`-\``;
      tell("error", "annotation-value", message, "use the workload's former name");
    } else if (value !== "false") {
      // Somebody meant to guard it: a slip in the value must not be what deletes it.
      flags.add(name);
      if (value === "true") continue;
      const message = `found "${value}" as \`${key}\`, expected "true" or "false"; it is taken for "true"`;
      tell("warning", "annotation-value", message, `write \`${key}: "true"\``);
    }
  }
  return { id, flags: flags.size === 0 ? unflagged : flags };
}

/** One for all who have none, which are nearly all. */
const unflagged: ReadonlySet<string> = new Set();
