/** What a file would need, and in which order: upstream's dependency analysis. Nothing is submitted. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { analyseFile, analysisJson } from "../../../controller/analysis.ts";
import { isError } from "../../../model/problem.ts";
import { guard, type Authorize } from "../auth/authorize.ts";
import { ApiError } from "../problem.ts";
import { createRouter, problems, type ApiEnv } from "../router.ts";
import { documentBody, fileProblem } from "../schemas/common.ts";
import type { ApiServices } from "../services.ts";

const names = z.array(z.string());
const analysis = z
  .object({
    kind: z.enum(["Score", "Workflow"]),
    name: z.string(),
    nodes: z
      .array(z.object({ name: z.string(), type: z.string(), depends_on: names }))
      .meta({ description: "A spec's resources, or a workflow's steps" }),
    order: names,
    parallel_groups: z.array(names).meta({ description: "What is made at once, group by group" }),
    critical_path: names.meta({ description: "The longest chain" }),
  })
  .meta({ id: "Analysis" });
const analyses = z
  .object({ documents: z.array(analysis), warnings: z.array(fileProblem) })
  .meta({ id: "Analyses" });

/** `preview` is upstream's other name of the same. */
const paths = ["/api/workflow-analysis", "/api/workflow-analysis/preview"] as const;

export function analysisRoutes(_: ApiServices, authorize: Authorize): OpenAPIHono<ApiEnv> {
  const router = createRouter();
  for (const path of paths) {
    router.openapi(
      createRoute({
        method: "post",
        path,
        summary: "What of a Score spec or a workflow needs what, and what can be made at once",
        ...guard(authorize, "read"),
        request: {
          body: documentBody,
        },
        responses: {
          200: {
            description: "By document; nothing is recorded",
            content: { "application/json": { schema: analyses } },
          },
          ...problems,
        },
      }),
      async (context) => {
        // JSON is YAML, too.
        const found = analyseFile("body", await context.req.text());
        if (found.problems.some(isError)) {
          throw new ApiError(422, {
            code: "file-problems",
            detail: "the file has mistakes, and is not analysed",
            problems: found.problems,
          });
        }
        return context.json(
          { documents: found.documents.map(analysisJson), warnings: [...found.problems] },
          200,
        );
      },
    );
  }
  return router;
}
