/** `analyze FILE`: what in it needs what, and what can be made at once. Needs no server. */
import { analyseFile, analysisJson, type AnalysedFile } from "../../../controller/analysis.ts";
import { isError } from "../../../model/problem.ts";
import { visible } from "../../../plan/render/visible.ts";
import { screenOf } from "../../context.ts";
import { CommandError } from "../../output/failure.ts";
import { renderListing } from "../../output/listing.ts";
import type { CtlContext } from "../context.ts";
import { asJson, printOne, type OutputFlags } from "../print.ts";
import { readText } from "./specs.ts";

export async function runAnalyze(
  context: CtlContext,
  [file = ""]: readonly string[],
  flags: OutputFlags,
): Promise<number> {
  const found = analyseFile(file, await readText(context, file));
  const mistakes = found.problems.filter(isError);
  if (mistakes.length > 0) {
    const lines = mistakes.map((it) => `${it.file}:${it.line}:${it.column}: ${it.message}`);
    const next = `run \`innominatus-ctl validate ${file}\`: it says how to correct each`;
    throw new CommandError(["the file has mistakes", ...lines].join("\n"), file, next);
  }
  printOne(
    context,
    { documents: found.documents.map(analysisJson) },
    () => textOf(context, found),
    flags,
  );
  return 0;
}

function textOf(context: CtlContext, { documents }: AnalysedFile): string {
  const screen = screenOf(context);
  const parts = documents.map((it) => {
    const rows = it.groups.flatMap((group, index) =>
      group.map((name) => ({ index, node: it.nodes.find((node) => node.name === name) })),
    );
    const listing = {
      columns: [
        { title: "group", text: (row: Row) => String(row.index + 1) },
        { title: "name", text: (row: Row) => row.node?.name ?? "" },
        { title: "type", text: (row: Row) => row.node?.type ?? "" },
        { title: "uses", text: (row: Row) => row.node?.dependsOn.join(", ") ?? "" },
      ],
      json: asJson,
      empty: "nothing in it",
    };
    const title = screen.paint.bold(`${it.kind} ${visible(it.name)}`);
    const chain = it.criticalPath.map(visible).join(" → ");
    const path = chain === "" ? "" : `critical path: ${chain}\n`;
    return `${title}\n${renderListing(listing, rows, "table", screen)}${path}`;
  });
  return parts.join("\n");
}

interface Row {
  readonly index: number;
  readonly node: AnalysedFile["documents"][number]["nodes"][number] | undefined;
}
