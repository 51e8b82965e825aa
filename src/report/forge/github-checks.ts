/** Check runs with annotations: what GitHub shows beside the lines of a pull request. For Apps only. */
import { z } from "zod";
import { nothing, type Api } from "./api.ts";
import type { Annotation, CheckRun, CheckRuns } from "./forge.ts";
import { cutAt } from "./shapes.ts";

/** GitHub takes so many at once, and adds those of further updates. */
const atOnce = 50;
const textLimit = 65_535;

const listed = z.looseObject({
  check_runs: z.array(
    z.looseObject({ id: z.number(), output: z.looseObject({ annotations_count: z.number() }) }),
  ),
});

export function createCheckRuns(api: Api, root: string): CheckRuns {
  return {
    async upsert(commit, check, signal) {
      const path = `${root}/commits/${encodeURIComponent(commit)}/check-runs`;
      const query = { check_name: check.name, filter: "latest" };
      const known = (await api.ask({ method: "GET", path, query }, listed, signal)).value;
      const [latest] = known.check_runs;
      const bare = latest?.output.annotations_count === 0 && check.annotations.length === 0;
      // An update adds to the annotations that are there: a new run of the same name replaces them.
      if (latest !== undefined && bare) {
        const request = { method: "PATCH", path: `${root}/check-runs/${latest.id}` } as const;
        await api.ask({ ...request, body: bodyOf(check, []) }, nothing, signal);
        return;
      }
      const [first, ...rest] = groupsOf(check.annotations);
      const made = await api.ask(
        {
          method: "POST",
          path: `${root}/check-runs`,
          body: { head_sha: commit, ...bodyOf(check, first ?? []) },
        },
        z.looseObject({ id: z.number() }),
        signal,
      );
      for (const group of rest) {
        const request = { method: "PATCH", path: `${root}/check-runs/${made.value.id}` } as const;
        await api.ask({ ...request, body: bodyOf(check, group) }, nothing, signal);
      }
    },
  };
}

function bodyOf(check: CheckRun, annotations: readonly Annotation[]) {
  return {
    name: check.name,
    status: "completed",
    conclusion: check.conclusion,
    output: {
      title: check.title,
      summary: cutAt(check.summary, textLimit),
      annotations: annotations.map((it) => ({
        path: it.file,
        start_line: it.line,
        end_line: it.line,
        annotation_level: it.level,
        title: cutAt(it.title, 255),
        message: cutAt(it.message, 4_000),
      })),
    },
  };
}

function groupsOf(annotations: readonly Annotation[]): Annotation[][] {
  const count = Math.ceil(annotations.length / atOnce);
  return Array.from({ length: count }, (_, index) =>
    annotations.slice(index * atOnce, (index + 1) * atOnce),
  );
}
