/** `innominatus validate`: every mistake in the given files, folders and repositories (DESIGN.md §10). */
import { basename, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { CatalogOf } from "../../controller/catalog.ts";
import type { Entry } from "../../desired/text.ts";
import { byPlace, compareText, isError, type Problem } from "../../model/problem.ts";
import { counted } from "../../plan/render/visible.ts";
import { checkFile, type DocumentKind } from "../check-file.ts";
import { checkRepository, holdsAnything, keyOf, type WorkTree } from "../check-repository.ts";
import { screenOf, settingsFor, type CommandContext, type GlobalOptions } from "../context.ts";
import {
  findFiles,
  isInside,
  nameIn,
  readBytes,
  readFile,
  shownPath,
  type Found,
  type FoundFile,
} from "../files.ts";
import { problemsGithub, problemsSarif } from "../output/problem-exchange.ts";
import { problemsText, validateJson, type CheckedDocument } from "../output/problems.ts";
import { withProviders } from "../session.ts";
import { version } from "../version.ts";

export interface ValidateFlags extends GlobalOptions {
  readonly output: "text" | "json" | "sarif" | "github";
  readonly strict?: boolean;
}

/** Files are named as a user would type them. */
interface Report {
  readonly files: number;
  readonly documents: readonly CheckedDocument[];
  readonly problems: readonly Problem[];
}

export async function runValidate(
  context: CommandContext,
  given: readonly string[],
  flags: ValidateFlags,
): Promise<number> {
  const paths = given.length === 0 ? ["."] : given;
  const report = await check(context, paths, findFiles(paths, context.cwd), flags);
  context.stdout.write(render(report, context, flags));
  return report.problems.some(isError) ? 1 : 0;
}

async function check(
  context: CommandContext,
  given: readonly string[],
  found: Found,
  flags: ValidateFlags,
): Promise<Report> {
  const { cwd, stop } = context;
  const shown = (base: string, name: string): string => shownPath(resolve(base, name), cwd, given);
  const repositories = await checkRepositories(context, found, flags);
  const problems = new Map<string, Problem>();
  const add = (base: string, list: readonly Problem[]): void => {
    for (const it of list) {
      const problem = { ...it, file: shown(base, it.file) };
      problems.set(keyOf(problem), problem);
    }
  };
  for (const it of repositories) add(it.path, it.problems);

  const documents: CheckedDocument[] = [];
  const mode = flags.strict === true ? "strict" : "default";
  for (const [index, file] of found.files.entries()) {
    if (index % filesAtOnce === 0) await breatheUnless(stop);
    // Of nested repositories the innermost: a manifest's files are named from there.
    const repository = repositories.findLast((it) => isInside(file.path, it.path));
    const base = repository?.path ?? file.base;
    const name = nameIn(base, file.path);
    const covered = repository?.covered(name) ?? nothing;
    const checked = checkFile(name, readFile(file.path, name), {
      mode,
      covered,
      readBeside: (beside) => textOf(resolve(base, beside)),
      foreign: repository !== undefined && covered.size === 0 && !file.named,
    });
    add(base, checked.problems);
    documents.push(...checked.documents.map((it) => ({ ...it, file: shown(base, name) })));
  }
  return {
    files: found.files.length,
    documents: documents.toSorted((a, b) => compareText(a.file, b.file) || a.index - b.index),
    problems: [...problems.values()].toSorted(byPlace),
  };
}

const nothing: ReadonlySet<DocumentKind> = new Set();

/** So that a signal is heard between them. */
const filesAtOnce = 200;

async function breatheUnless(stop: AbortSignal): Promise<void> {
  await breathe();
  stop.throwIfAborted();
}

interface RepositoryReport {
  readonly path: string;
  readonly problems: readonly Problem[];
  covered(name: string): ReadonlySet<DocumentKind>;
}

/** Outer ones before those inside of them. */
async function checkRepositories(
  context: CommandContext,
  found: Found,
  flags: ValidateFlags,
): Promise<readonly RepositoryReport[]> {
  const trees = found.roots
    .map((path) => ({ path, tree: workTree(path, found.files, context.stop) }))
    .filter(({ tree }) => holdsAnything(tree));
  if (trees.length === 0) return [];
  const checkAll = async (catalogOf: CatalogOf): Promise<RepositoryReport[]> => {
    const reports: RepositoryReport[] = [];
    for (const { path, tree } of trees) {
      const mode = flags.strict === true ? "strict" : "default";
      reports.push({ path, ...(await checkRepository(tree, catalogOf, mode)) });
    }
    return reports;
  };
  const settings = settingsFor(context, { ...flags, logLevel: "warn" });
  return withProviders(context, settings, ({ catalogOf }) => checkAll(catalogOf));
}

function workTree(path: string, files: readonly FoundFile[], stop: AbortSignal): WorkTree {
  const inside = files.filter((it) => isInside(it.path, path));
  const entries = new Map(
    inside.map((it): [string, Entry] => {
      const name = nameIn(path, it.path);
      return [name, { oid: name, mode: it.linked ? "120000" : "100644" }];
    }),
  );
  return {
    label: basename(path),
    entries,
    async read(names) {
      const contents = new Map<string, Uint8Array | "too-large">();
      for (const [index, name] of names.entries()) {
        if (index % filesAtOnce === 0) await breatheUnless(stop);
        // What cannot be read is told of by checking the file for itself.
        try {
          contents.set(name, readBytes(resolve(path, name)));
        } catch {
          entries.delete(name);
        }
      }
      return contents;
    },
  };
}

function textOf(path: string): string | undefined {
  const text = readFile(path, path);
  return text.ok ? text.value : undefined;
}

function render(
  { files, documents, problems }: Report,
  context: CommandContext,
  { output }: ValidateFlags,
): string {
  switch (output) {
    case "json":
      return `${JSON.stringify(validateJson(documents, problems), null, 2)}\n`;
    case "sarif":
      return `${JSON.stringify(problemsSarif(problems, version), null, 2)}\n`;
    case "github":
      return problemsGithub(problems);
    case "text": {
      const { paint } = screenOf(context);
      if (problems.length > 0) {
        return problemsText(problems, (file) => textOf(resolve(context.cwd, file)), paint);
      }
      const seen = `${counted(files, "file")}, ${counted(documents.length, "document")}`;
      return files === 0
        ? "no YAML files: nothing was checked\n"
        : `${seen}: ${paint.green("fine")}\n`;
    }
  }
}
