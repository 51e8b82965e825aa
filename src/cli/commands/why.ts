/** `innominatus why RESOURCE`: from the record alone, so that it answers without git or a cluster (law 12). */
import { explain } from "../../controller/explain.ts";
import { screenOf, type CommandContext, type GlobalOptions } from "../context.ts";
import { whyJson, whyText } from "../output/why.ts";
import { withStore } from "../session.ts";
import { chosen, theResource } from "./records.ts";

export interface WhyFlags extends GlobalOptions {
  readonly output: "text" | "json";
  readonly environment?: string;
}

export async function runWhy(
  context: CommandContext,
  given: string,
  flags: WhyFlags,
): Promise<number> {
  const why = await withStore(context, flags, async (db, scopes) => {
    const { scope, resource } = await theResource(db, chosen(scopes, flags), given);
    return explain(db, scope, resource);
  });
  const text =
    flags.output === "json"
      ? `${JSON.stringify(whyJson(why), null, 2)}\n`
      : whyText(why, context.clock.now(), screenOf(context).paint);
  context.stdout.write(text);
  return 0;
}
