/** What is wrong with a request, as RFC 7807 has it. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export interface ProblemDetails {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  /** Of the members of a list. */
  readonly errors?: readonly { readonly index: number; readonly detail: string }[];
}

export const problemResponse = (context: Context, problem: ProblemDetails): Response =>
  context.body(JSON.stringify({ type: "about:blank", ...problem }), problem.status, {
    "content-type": "application/problem+json",
  });
