/** `innominatus init` and `innominatus schemas`: a repository to start from, and what its editors check it with. */
import { join, resolve } from "node:path";
import { home, type CommandContext } from "../context.ts";
import { copyFiles, refuseFilled, writeSchemas, writeSchemasTo } from "../scaffold.ts";
import { nameIn } from "../files.ts";

export async function runInit(context: CommandContext, given: string): Promise<number> {
  const folder = resolve(context.cwd, given);
  refuseFilled(folder, given);
  const names = copyFiles(join(home, "gitops-example"), folder, folder);
  const schemas = writeSchemas(folder);
  const shown = nameIn(context.cwd, folder) || ".";
  const enter = shown === "." ? [] : [`cd ${shown}`];
  const next = [
    ...enter,
    "git init -b main && git add . && git commit -m Start",
    "innominatus validate .",
    "innominatus plan --repo .",
    "innominatus sync --repo .",
  ];
  context.stdout.write(
    [
      `made a repository in ${shown}:`,
      ...[...names, `${schemas}/`].map((it) => `  ${it}`),
      "",
      "next:",
      ...next.map((it) => `  ${it}`),
      "",
      "README.md says what is in it, and what to change first",
      "",
    ].join("\n"),
  );
  return 0;
}

/** @param given the folder they go to; `undefined`: `.innominatus/schemas` here */
export async function runSchemas(
  context: CommandContext,
  given: string | undefined,
): Promise<number> {
  if (given === undefined) context.stdout.write(`wrote ${writeSchemas(context.cwd)}\n`);
  else {
    writeSchemasTo(resolve(context.cwd, given));
    context.stdout.write(`wrote ${given}\n`);
  }
  return 0;
}
