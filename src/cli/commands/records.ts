/** `innominatus status`, `resources` and `runs`: the record, as it is. */
import type { Recorded } from "../../model/resource.ts";
import { isUid, type Scope, type Uid } from "../../model/uid.ts";
import type { Database } from "../../store/database.ts";
import { readEnvironment } from "../../store/environments.ts";
import { listResources } from "../../store/resources.ts";
import { listRuns } from "../../store/runs.ts";
import { listWaits } from "../../store/waits.ts";
import { screenOf, type CommandContext, type GlobalOptions } from "../context.ts";
import { CommandError } from "../output/failure.ts";
import { renderListing, type Listing, type ListingFormat } from "../output/listing.ts";
import { resourceListing, runListing } from "../output/records.ts";
import { environmentListing, waitingIn, waitingListing } from "../output/environments.ts";
import { withStore } from "../session.ts";

export interface ListFlags extends GlobalOptions {
  readonly output: ListingFormat;
  readonly environment?: string;
}

export async function runStatus(context: CommandContext, flags: ListFlags): Promise<number> {
  const rows = await withStore(context, flags, (db, scopes) =>
    collect(chosen(scopes, flags), async (scope) => {
      const environment = await readEnvironment(db, scope);
      const resources = await listResources(db, scope);
      const waits = await listWaits(db, scope);
      return environment === undefined ? [] : [{ scope, environment, resources, waits }];
    }),
  );
  print(context, environmentListing(context.clock.now()), rows, flags);
  const waiting = waitingIn(rows);
  if (flags.output !== "table" || waiting.length === 0) return 0;
  context.stdout.write("\n");
  return print(context, waitingListing, waiting, flags);
}

export interface ResourcesFlags extends ListFlags {
  readonly all?: boolean;
  readonly type?: string;
}

export async function runResources(
  context: CommandContext,
  flags: ResourcesFlags,
): Promise<number> {
  const wanted = (it: Recorded): boolean =>
    (flags.all === true || it.phase !== "deleted") &&
    (flags.type === undefined || it.type === flags.type);
  const rows = await withStore(context, flags, (db, scopes) =>
    collect(chosen(scopes, flags), async (scope) => {
      const waits = await listWaits(db, scope);
      const resources = (await listResources(db, scope)).filter(wanted);
      return resources.map((it) => ({ ...it, waits: waits.get(it.uid) ?? [] }));
    }),
  );
  return print(context, resourceListing(context.clock.now()), rows, flags);
}

export interface RunsFlags extends ListFlags {
  readonly limit: string;
}

export async function runRuns(
  context: CommandContext,
  resource: string | undefined,
  flags: RunsFlags,
): Promise<number> {
  const rows = await latest(context, resource, flags, listRuns);
  return print(context, runListing(context.clock.now()), rows, flags);
}

/** Of one resource, or of all that are asked for. */
async function latest<T>(
  context: CommandContext,
  resource: string | undefined,
  flags: RunsFlags,
  list: (
    db: Database,
    scope: Scope,
    filter: { readonly uid?: Uid; readonly limit: number },
  ) => Promise<readonly T[]>,
): Promise<T[]> {
  const limit = limitOf(flags);
  return withStore(context, flags, (db, scopes) =>
    collect(chosen(scopes, flags), async (scope) => {
      if (resource === undefined) return list(db, scope, { limit });
      const found = await findResource(db, [scope], resource);
      return found === undefined ? [] : list(db, scope, { uid: found.resource.uid, limit });
    }),
  );
}

export function limitOf({ limit }: RunsFlags): number {
  const count = Number(limit);
  if (Number.isInteger(count) && count > 0) return count;
  throw new CommandError(`"${limit}" is no count`, "--limit", "use a whole number from 1");
}

export interface FoundResource {
  readonly scope: Scope;
  readonly resource: Recorded;
}

/** By uid, or by what is after its `#`, where only one resource has that. */
export async function findResource(
  db: Database,
  scopes: readonly Scope[],
  given: string,
): Promise<FoundResource | undefined> {
  const found: FoundResource[] = [];
  for (const scope of scopes) {
    for (const resource of await listResources(db, scope)) {
      const fits = isUid(given) ? resource.uid === given : resource.uid.endsWith(`#${given}`);
      if (fits) found.push({ scope, resource });
    }
  }
  const standing = found.filter((it) => it.resource.phase !== "deleted");
  const candidates = standing.length > 0 ? standing : found;
  if (candidates.length < 2) return candidates[0];
  const names = candidates.map((it) => `${it.scope.environment}: ${it.resource.uid}`).join(", ");
  throw new CommandError(
    `"${given}" is several resources`,
    names,
    "give the uid, and --environment",
  );
}

/** @throws {CommandError} */
export async function theResource(
  db: Database,
  scopes: readonly Scope[],
  given: string,
): Promise<FoundResource> {
  const found = await findResource(db, scopes, given);
  if (found !== undefined) return found;
  const next = "list them with `innominatus resources --all`";
  throw new CommandError(`there is no resource "${given}"`, "RESOURCE", next);
}

/** @throws {CommandError} for an environment that is not recorded */
export function chosen<S extends Scope>(
  scopes: readonly S[],
  { environment }: { readonly environment?: string },
): readonly S[] {
  if (environment === undefined) return scopes;
  const found = scopes.filter((it) => it.environment === environment);
  if (found.length > 0) return found;
  const names = [...new Set(scopes.map((it) => it.environment))].join(", ") || "none yet";
  const what = `there is no environment "${environment}"`;
  throw new CommandError(what, "--environment", `recorded: ${names}`);
}

export async function collect<S, T>(
  scopes: readonly S[],
  read: (scope: S) => Promise<readonly T[]>,
): Promise<T[]> {
  const rows: T[] = [];
  for (const scope of scopes) rows.push(...(await read(scope)));
  return rows;
}

export function print<T>(
  context: CommandContext,
  listing: Listing<T>,
  rows: readonly T[],
  { output }: ListFlags,
): number {
  context.stdout.write(renderListing(listing, rows, output, screenOf(context)));
  return 0;
}
