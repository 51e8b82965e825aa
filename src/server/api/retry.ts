/** Trying again what failed: of a resource, or of the resource that a run was of. */
import { appendEvents } from "../../store/events.ts";
import type { ListedResource } from "../../store/resource-pages.ts";
import { resetFailures } from "../../store/resources.ts";
import type { Principal } from "./auth/roles.ts";
import { ApiError } from "./problem.ts";
import type { ApiServices } from "./services.ts";

/** @throws {ApiError} where it has not failed */
export async function retryResource(
  { db, clock }: ApiServices,
  { actor }: Principal,
  { repository, environment, uid }: ListedResource,
): Promise<{ readonly success: true; readonly message: string; readonly uid: string }> {
  const scope = { repository, environment };
  const again = await db.transaction(async (tx) => {
    const reset = await resetFailures(tx, scope, { uid, stalled: true });
    if (reset.length === 0) return false;
    await appendEvents(tx, [{ ...scope, type: "BlockCleared", actor, uid }], clock.now().getTime());
    await tx.query(`select pg_notify('innominatus', 'retry')`);
    return true;
  });
  if (again) return { success: true, message: `${uid} is tried again with the next pass`, uid };
  throw new ApiError(409, {
    code: "nothing-to-retry",
    detail: `${uid} has not failed`,
    hint: "its state says what is under way",
  });
}
