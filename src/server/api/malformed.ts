/** A JSON body that is none, told with the place where it stops being one. */
import type { Context } from "hono";
import { faultInJson } from "../../document/json-syntax.ts";
import { lineStarts, placeIn } from "../../document/marks.ts";
import type { ProblemFacts } from "./problem.ts";

/** `undefined`: that is not what is wrong with the request. */
export async function malformedJson(context: Context): Promise<ProblemFacts | undefined> {
  if (!(context.req.header("content-type") ?? "").includes("json")) return undefined;
  const text = await context.req.text().catch(() => "");
  const fault = faultInJson(text);
  if (fault === undefined) return undefined;
  const place = placeIn("body", lineStarts(text), fault.offset);
  const code = text.codePointAt(fault.offset);
  const found = code === undefined ? "the end" : JSON.stringify(String.fromCodePoint(code));
  const message = `expected ${fault.expected}, found ${found}`;
  return {
    code: "malformed",
    detail: `the body is no JSON: line ${place.line}, column ${place.column}: ${message}`,
    problems: [{ ...place, pointer: "", code: "json/syntax", severity: "error", message }],
  };
}
