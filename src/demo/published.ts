/** What the status branch says, once it says what the record does. */
import { isDeepStrictEqual } from "node:util";
import { phaseOf, type Recorded } from "../model/resource.ts";
import type { Stage } from "./stage.ts";
import { statusRows } from "./status-table.ts";

const branch = "innominatus/status";

/** @returns the table of its README. @throws {CommandError} when it does not follow within a minute */
export async function publishedStatus(
  { developer, controller }: Pick<Stage, "developer" | "controller">,
  commit: string,
  resources: readonly Recorded[],
): Promise<readonly (readonly string[])[]> {
  const standing = resources.filter((it) => it.phase !== "deleted");
  const expected = new Map(standing.map((it) => [it.uid, phaseOf(it)]));
  return controller.until(`${branch} says what came of ${commit}`, async () => {
    const message = await developer.ask("log", "-1", "--format=%B", branch).catch(() => "");
    if (!message.includes(`Innominatus-Observed-Commit: ${commit}\n`)) {
      return { kind: "not yet", found: message.trim() };
    }
    const readme = await developer.ask("show", `${branch}:README.md`);
    const rows = statusRows(readme);
    const found = new Map(rows.slice(1).map(([, uid, phase]) => [uid, phase]));
    return isDeepStrictEqual(found, expected)
      ? { kind: "so", value: rows }
      : { kind: "not yet", found: readme };
  });
}
