/** `innominatus secret REFERENCE`: the value behind a reference, for whoever has the store and its key. */
import { vaultOn } from "../../controller/services.ts";
import type { Recorded } from "../../model/resource.ts";
import type { Scope } from "../../model/uid.ts";
import { appendEvents } from "../../store/events.ts";
import { listEnvironments } from "../../store/environments.ts";
import { listResources } from "../../store/resources.ts";
import type { Database } from "../../store/database.ts";
import { settingsFor, type CommandContext, type GlobalOptions } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { theRepository, withServices } from "../session.ts";
import { actorOf } from "./decisions.ts";

/** The value and nothing else, on stdout; that it was read is on the audit trail. */
export async function runSecret(
  context: CommandContext,
  reference: string,
  flags: GlobalOptions,
): Promise<number> {
  const settings = settingsFor(context, { logLevel: "warn", ...flags });
  const only = flags.repo === undefined ? undefined : theRepository(settings).name;
  return withServices(context, settings, async ({ db, sealer, clock }) => {
    const { scope, resource, key } = await findSecret(db, reference, only);
    const { uid } = resource;
    const value = await vaultOn(sealer, db).get({ ...scope, uid, key });
    if (value === undefined) throw notThere(reference);
    const fact = { ...scope, type: "SecretRead", actor: actorOf(context, {}), uid, data: { key } };
    await appendEvents(db, [fact], clock.now().getTime());
    context.stdout.write(context.stdout.isTTY ? `${value}\n` : value);
    return 0;
  });
}

interface FoundSecret {
  readonly scope: Scope;
  readonly resource: Recorded;
  readonly key: string;
}

/** By the references that resources have, never by taking one apart: only what is shown can be read. */
async function findSecret(
  db: Database,
  reference: string,
  only: string | undefined,
): Promise<FoundSecret> {
  const found: FoundSecret[] = [];
  for (const { repository, environment } of await listEnvironments(db)) {
    if (only !== undefined && repository !== only) continue;
    const scope = { repository, environment };
    for (const resource of await listResources(db, scope)) {
      for (const [key, given] of Object.entries(resource.secretRefs)) {
        if (given === reference) found.push({ scope, resource, key });
      }
    }
  }
  const [first, second] = found;
  if (first === undefined) throw notThere(reference);
  if (second === undefined) return first;
  const where = found.map((it) => it.scope.repository).join(", ");
  throw new CommandError("several repositories have this reference", where, "name one with --repo");
}

const notThere = (reference: string): CommandError =>
  new CommandError(
    "no resource has this reference",
    reference,
    "see `innominatus resources -o json`, under secretRefs",
  );
