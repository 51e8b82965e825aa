/** The forges of the watched repositories, each opened once: they remember what they have been told. */
import { openForge } from "../controller/open-forge.ts";
import type { Forge } from "../report/forge/forge.ts";
import type { Settings } from "../settings/settings.ts";
import type { CommandContext } from "./context.ts";

export type ForgeOf = (repository: string) => Forge | undefined;

export function openForges(
  { env, clock }: Pick<CommandContext, "env" | "clock">,
  { repositories }: Pick<Settings, "repositories">,
): ReadonlyMap<string, Forge> {
  const opened = repositories.flatMap(({ name, forge }): [string, Forge][] =>
    forge === undefined ? [] : [[name, openForge(forge, { env, clock })]],
  );
  return new Map(opened);
}
