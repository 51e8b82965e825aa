/** What a server that refuses, or does not answer, means for the person: what, where, what next. */
import { z } from "zod";
import { utc, visible } from "../../plan/render/visible.ts";
import { CommandError } from "../output/failure.ts";
import { version } from "../version.ts";
import type { FoundToken } from "./credentials.ts";

export interface Refusal {
  readonly server: string;
  /** Method and path. */
  readonly call: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly token: FoundToken | undefined;
  readonly now: Date;
}

/** RFC 9457, and what ours adds to it. */
const problemDetails = z.looseObject({
  code: z.string().optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  problems: z
    .array(
      z.looseObject({
        file: z.string().default(""),
        line: z.number().default(1),
        column: z.number().default(1),
        code: z.string().default(""),
        message: z.string().default(""),
        hint: z.string().optional(),
      }),
    )
    .catch([])
    .default([]),
});

export function refusalOf(refusal: Refusal): CommandError {
  const { server, call, status, headers, token, now } = refusal;
  const details = detailsOf(refusal.body);
  const said = details?.detail ?? details?.title;
  const where = `${server}: ${call}`;
  if (status >= 300 && status < 400) {
    const to = headers.get("location") ?? "somewhere else";
    const next = "give the address it redirects to with --server";
    return new CommandError(`the server redirects to ${visible(to)}`, server, next);
  }
  switch (status) {
    case 401:
      return signIn(server, token, now, said);
    case 403: {
      const next =
        "ask somebody who has the role for it; `innominatus-ctl whoami` says which you have";
      return new CommandError(said ?? "you are not allowed to do this", where, next, {
        exitCode: 4,
      });
    }
    case 404:
    case 405:
    case 501:
      // What is missing is said as a problem, with a code; a path that nobody serves is not.
      if (said === undefined || !isTold(details?.code)) return noEndpoint(where);
      return new CommandError(
        said,
        where,
        details?.hint ?? "list what there is, and check the name",
      );
    case 413:
      return new CommandError(said ?? "what was sent is too large", where, "send less");
    case 429: {
      const after = headers.get("retry-after");
      const wait = after === null ? "wait a while" : `wait ${visible(after)} s`;
      return new CommandError(said ?? "too many attempts", where, `${wait}, then try again`);
    }
    default: {
      const what = said ?? `the server answered ${status}`;
      const next =
        status >= 500 ? "try again; the server's log says more" : "correct it, and try again";
      const list = (details?.problems ?? []).map(problemLine);
      const more = list.length === 0 ? "" : `\n${list.join("\n")}`;
      return new CommandError(`${what}${more}`, where, details?.hint ?? next);
    }
  }
}

const isTold = (code: string | undefined): boolean =>
  code !== undefined && code !== "no-such-route";

function signIn(
  server: string,
  token: FoundToken | undefined,
  now: Date,
  said: string | undefined,
): CommandError {
  const next = "run `innominatus-ctl login`";
  const options = { exitCode: 4 } as const;
  if (token === undefined) {
    return new CommandError(said ?? "the server wants you signed in", server, next, options);
  }
  const { expires, from } = token;
  const what =
    expires !== null && new Date(expires) <= now
      ? `your session ended at ${utc(expires)}`
      : "the server does not accept the token (any more)";
  const instead = from.includes("/") ? next : `give ${from} a token that is valid, or unset it`;
  return new CommandError(what, `${server}, with the token of ${from}`, instead, options);
}

const noEndpoint = (where: string): CommandError =>
  new CommandError(
    "the server does not know this request",
    where,
    `its version may differ from this command's (${version}): use the one that came with the server`,
  );

/** @param error of fetch: that there is no answer is all it says by itself */
export function unreachable(server: string, error: unknown): CommandError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  return new CommandError(
    timedOut ? "the server does not answer in time" : "the server cannot be reached",
    server,
    "see whether `innominatus` runs there; name another with --server or INNOMINATUS_API_BASE",
    { cause },
  );
}

function detailsOf(body: string): z.output<typeof problemDetails> | undefined {
  try {
    const parsed = problemDetails.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function problemLine(it: z.output<typeof problemDetails>["problems"][number]): string {
  const hint = it.hint === undefined ? "" : ` (${it.hint})`;
  return `${it.file}:${it.line}:${it.column}: ${it.code}: ${it.message}${hint}`;
}
