/** ETags of what is read as JSON: an unchanged answer is not sent again. Streams are left alone. */
import { createHash } from "node:crypto";
import { createMiddleware } from "hono/factory";

export const conditional = createMiddleware(async (context, next) => {
  await next();
  const { res, req } = context;
  const isJson = res.headers.get("content-type")?.startsWith("application/json") ?? false;
  if (req.method !== "GET" || res.status !== 200 || !isJson) return;
  const body = await res.text();
  const tag = `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  const headers = new Headers(res.headers);
  headers.set("etag", tag);
  // What is small is not worth compressing, and only this says that it is.
  headers.set("content-length", String(Buffer.byteLength(body)));
  // What it says is for this caller only, and may be another the next time.
  headers.set("cache-control", "private, no-cache");
  headers.append("vary", "authorization, cookie");
  const known = (req.header("if-none-match") ?? "").split(",").map((it) => it.trim());
  const same = known.includes(tag) || known.includes("*");
  context.res = undefined;
  context.res = same
    ? new Response(null, { status: 304, headers: withoutContent(headers) })
    : new Response(body, { status: 200, headers });
});

function withoutContent(headers: Headers): Headers {
  for (const it of ["content-type", "content-length"]) headers.delete(it);
  return headers;
}
