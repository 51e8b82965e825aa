/** Answers that say what is wrong (RFC 9457), and how they are thrown and rendered. */
import { HTTPException } from "hono/http-exception";
import type { Problem } from "../../model/problem.ts";
import type { z } from "zod";
import type { problemDetails } from "./schemas/common.ts";

export type ErrorStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 409
  | 412
  | 413
  | 415
  | 422
  | 429
  | 500
  | 501
  | 503;

export interface ProblemFacts {
  /** Stable, kebab-case. */
  readonly code: string;
  /** What was found. */
  readonly detail: string;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends the request with an answer of its own. */
export class ApiError extends HTTPException {
  override readonly name = "ApiError";

  constructor(status: ErrorStatus, facts: ProblemFacts) {
    super(status, { message: facts.detail, res: problemResponse(status, facts) });
  }
}

const titles: Readonly<Record<ErrorStatus, string>> = {
  400: "Bad request",
  401: "Not authenticated",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  412: "Changed meanwhile",
  413: "Too large",
  415: "Unsupported content type",
  422: "Problems in the file",
  429: "Too many attempts",
  500: "Internal error",
  501: "Not offered",
  503: "Not available now",
};

export function problemResponse(status: ErrorStatus, facts: ProblemFacts): Response {
  const { code, detail, hint, problems, headers = {} } = facts;
  const body: z.input<typeof problemDetails> = {
    type: "about:blank",
    title: titles[status],
    status,
    detail,
    code,
    ...(hint === undefined ? {} : { hint }),
    ...(problems === undefined ? {} : { problems: [...problems] }),
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

export const notFound = (what: string): ApiError =>
  new ApiError(404, { code: "not-found", detail: `there is no ${what}, or none that you may see` });
