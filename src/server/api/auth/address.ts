/** Where a request came from, and how: a header only of proxies that are trusted. */
import type { Context } from "hono";
import { z } from "zod";

const binding = z.looseObject({
  incoming: z.looseObject({ socket: z.looseObject({ remoteAddress: z.string().optional() }) }),
});

/** Whether the client's connection is encrypted: this server's own never is. */
export function cameByHttps(context: Context, trustedProxies: number): boolean {
  if (trustedProxies === 0) return false;
  const forwarded = (context.req.header("x-forwarded-proto") ?? "").split(",");
  return forwarded.at(-1)?.trim() === "https";
}

export function addressOf(context: Context, trustedProxies: number): string {
  const read = binding.safeParse(context.env);
  const direct = read.success ? (read.data.incoming.socket.remoteAddress ?? "unknown") : "unknown";
  if (trustedProxies === 0) return direct;
  const forwarded = (context.req.header("x-forwarded-for") ?? "").split(",").map((it) => it.trim());
  // Each proxy adds whom it saw at the end; what is before those is the client's own word.
  return (forwarded.at(-trustedProxies) || direct).slice(0, 100);
}
