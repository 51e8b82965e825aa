/** What an audit sink's answer means for the events it was sent (E23, E24). */
import { z } from "zod";

export type SinkAnswer =
  | { readonly kind: "accepted" }
  /** One of the events is at fault: sending the same again would change nothing. */
  | { readonly kind: "refused"; readonly problem: string }
  /** Nothing is said of the events. */
  | {
      readonly kind: "unavailable";
      readonly problem: string;
      /** As the sink asks for. */
      readonly retryAfterMs: number | undefined;
    };

const accepted = new Set([201, 202, 409]);
const refused = new Set([400, 413, 422]);

/** A sink may not put deliveries off for longer. */
const waitAtMostMs = 3_600_000;

/**
 * Any other status than those known to mean the events is taken as the sink's own trouble: a proxy's
 * login page answers 200, and has kept nothing.
 */
export function toAnswer(
  status: number,
  headers: { get(name: string): string | null },
  body: string,
  now: Date,
): SinkAnswer {
  if (accepted.has(status)) return { kind: "accepted" };
  const problem = `${status}${detailOf(body)}`;
  if (refused.has(status)) return { kind: "refused", problem };
  const retryAfterMs = retryAfter(headers.get("retry-after"), now);
  return { kind: "unavailable", problem, retryAfterMs };
}

/** RFC 9110: seconds, or a date. */
function retryAfter(text: string | null, now: Date): number | undefined {
  if (text === null || text.trim() === "") return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), waitAtMostMs) : undefined;
}

const problemDocument = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.object({ detail: z.string() })).optional(),
});

/** Of a problem document (RFC 7807), or the beginning of whatever it is. */
function detailOf(body: string): string {
  const said = saidBy(body).replaceAll(/\s+/g, " ").trim().slice(0, 500);
  return said === "" ? "" : `: ${said}`;
}

function saidBy(body: string): string {
  try {
    const parsed = problemDocument.safeParse(JSON.parse(body));
    if (!parsed.success) return body;
    const { title, detail, errors = [] } = parsed.data;
    const parts = [detail ?? title, ...errors.map((it) => it.detail)];
    const said = parts.filter((it) => it !== undefined).join("; ");
    return said === "" ? body : said;
  } catch {
    return body;
  }
}
