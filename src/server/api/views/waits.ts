/** What a resource waits for, as far as whoever asks may see what is in the way (E8). */
import { withoutBlocker, type Wait } from "../../../model/wait.ts";
import type { Queryable } from "../../../store/database.ts";
import { readResource } from "../../../store/resources.ts";
import { covers, type Reach } from "../auth/roles.ts";

export async function waitsWithin(
  db: Queryable,
  waits: readonly Wait[],
  reach: Reach,
): Promise<readonly Wait[]> {
  const seen: Wait[] = [];
  for (const wait of waits) {
    const { blocker } = wait;
    const isOpen = blocker === null || (await isWithin(db, blocker, reach));
    seen.push(isOpen ? wait : withoutBlocker(wait));
  }
  return seen;
}

async function isWithin(
  db: Queryable,
  blocker: NonNullable<Wait["blocker"]>,
  reach: Reach,
): Promise<boolean> {
  if (reach === "everything") return true;
  const resource = await readResource(db, blocker, blocker.uid);
  return resource !== undefined && covers(reach, resource.workload);
}
