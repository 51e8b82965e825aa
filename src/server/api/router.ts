/** What every route is made with: checked input, problems as answers, and who may ask. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { z, type ZodError } from "zod";
import { toPointer } from "../../model/json.ts";
import type { Principal } from "./auth/roles.ts";
import { problemResponse } from "./problem.ts";
import { pageHeaders, problemDetails } from "./schemas/common.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- hono wants an index signature
export type ApiEnv = { Variables: { principal: Principal } };

/** A query, a path or a body that does not fit is told whole, each mistake with its pointer (law 10). */
export const createRouter = (): OpenAPIHono<ApiEnv> =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: (result) =>
      result.success ? undefined : invalidInput(result.target, result.error),
  });

function invalidInput(target: string, error: ZodError): Response {
  const told = error.issues.map(
    (it) => `${it.path.length === 0 ? "the whole" : toPointer(it.path)}: ${it.message}`,
  );
  return problemResponse(400, {
    code: "invalid-input",
    detail: `the ${target} has mistakes: ${told.slice(0, 20).join("; ")}`,
    hint: "see /api/docs for what is expected",
  });
}

/** For every route's `responses`: whatever goes wrong has this shape. */
export const problems = {
  default: {
    description: "What is wrong, and what to do next",
    content: { "application/problem+json": { schema: problemDetails } },
  },
} as const;

/** For a listing's `responses`: a page of such items, whose order the description tells. */
export const pageResponses = <Item extends z.ZodType>(item: Item, description: string) => ({
  200: {
    description,
    headers: pageHeaders,
    content: { "application/json": { schema: z.array(item) } },
  },
  ...problems,
});
