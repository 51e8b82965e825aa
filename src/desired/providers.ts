/** Provider manifests and the workflow files they name → providers, wherever their files come from. */
import { parseFile } from "../document/file.ts";
import { isError, type Checked, type Problem } from "../model/problem.ts";
import { isProvider, readProvider } from "../provider/manifest.ts";
import type { Provider, ProviderSource } from "../provider/provider.ts";

export interface ProvidersRead {
  readonly providers: readonly Provider[];
  readonly problems: readonly Problem[];
  /** Manifests that nobody could read: nobody knows which types they claim. */
  readonly unreadable: readonly string[];
}

/** @param texts by path: the manifests, and every file they may name */
export function readProviders(
  manifests: readonly string[],
  texts: ReadonlyMap<string, Checked<string>>,
  source: ProviderSource,
): ProvidersRead {
  const problems: Problem[] = [];
  const providers: Provider[] = [];
  const unreadable: string[] = [];
  const readText = (file: string): string | undefined => {
    const text = texts.get(file);
    if (text === undefined) return undefined;
    if (text.ok) return text.value;
    problems.push(...text.problems);
    return undefined;
  };
  for (const path of manifests) {
    const text = readText(path);
    if (text === undefined) {
      unreadable.push(path);
      continue;
    }
    const { documents, problems: unread } = parseFile(path, text);
    problems.push(...unread);
    if (unread.some(isError)) unreadable.push(path);
    for (const document of documents.filter((it) => isProvider(it.value))) {
      const read = readProvider(document, readText, source);
      problems.push(...read.problems);
      if (read.provider !== undefined) providers.push(read.provider);
    }
  }
  return { providers, problems, unreadable };
}
