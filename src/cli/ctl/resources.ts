/** Resources by any of their names, and how they are listed. */
import { visible } from "../../plan/render/visible.ts";
import { CommandError } from "../output/failure.ts";
import { between } from "../output/elapsed.ts";
import type { Listing } from "../output/listing.ts";
import { resource, type Resource } from "./answers.ts";
import type { Client } from "./client.ts";
import { stateColour } from "./print.ts";

/** `held` where a gate holds it, whatever it is otherwise. */
export const stateOf = (it: Resource): string => (it.gate === null ? it.state : "held");

/** Before a uid was shown, a resource was known by application and name. */
export const nameOf = (it: Resource): string =>
  it.uid === "" ? `${it.application_name}.${it.resource_name}` : it.uid;

export const remarkOf = (it: Resource): string => {
  if (it.gate !== null) return `${it.gate.kind}: ${it.gate.message}`;
  if (it.stalled) return `stalled: ${it.error_message ?? ""}`;
  return it.error_message ?? "";
};

export const resourceColumns = (now: Date): Listing<Resource>["columns"] => [
  { title: "resource", text: nameOf },
  { title: "type", text: (it) => it.resource_type },
  { title: "state", text: stateOf, colour: (it) => stateColour(stateOf(it)) },
  { title: "age", text: (it) => (it.updated_at === "" ? "" : between(it.updated_at, now)) },
  { title: "provider", text: (it) => it.provider_id },
  { title: "environment", text: (it) => it.environment },
  { title: "message", text: remarkOf },
];

/** By id, by uid, or by what is after its `#` where only one has that. @throws {CommandError} */
export async function findResource(client: Client, given: string): Promise<Resource> {
  if (isId(given)) return client.call(`/api/resources/${encodeURIComponent(given)}`, resource);
  const all = await client.list("/api/resources", resource);
  const found = all.filter(
    (it) => [it.id, nameOf(it)].includes(given) || nameOf(it).endsWith(`#${given}`),
  );
  const standing = found.filter((it) => it.state !== "terminated");
  const [first, second] = standing.length > 0 ? standing : found;
  if (first === undefined) {
    const next = "list them with `innominatus-ctl list-resources`";
    throw new CommandError(`there is no resource "${visible(given)}"`, client.server, next);
  }
  if (second === undefined) return first;
  const names = found.map((it) => `${it.environment}: ${nameOf(it)}, id ${it.id}`).join("\n");
  throw new CommandError(`"${visible(given)}" is several resources`, names, "give the id of one");
}

const isId = (given: string): boolean =>
  given.includes("#") || /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27})$/i.test(given);
