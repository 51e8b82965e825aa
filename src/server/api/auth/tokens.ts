/** Tokens of sessions and API keys: 256 random bits, and what is kept of them. */
import { createHash, randomBytes } from "node:crypto";

/** The prefix tells a leaked one for what it is, to people and to scanners. */
export const newToken = (kind: "session" | "key"): string =>
  `${prefixes[kind]}${randomBytes(32).toString("base64url")}`;

const prefixes = { session: "inn_s_", key: "inn_k_" } as const;

export const kindOf = (token: string): "session" | "key" | "jwt" | undefined => {
  if (token.startsWith(prefixes.session)) return "session";
  if (token.startsWith(prefixes.key)) return "key";
  return token.split(".").length === 3 ? "jwt" : undefined;
};

/** A plain hash will do: nobody guesses 256 bits, and what is looked up by it takes the same time for all. */
export const hashToken = (token: string): string =>
  createHash("sha256").update(token).digest("hex");

export const hintOf = (token: string): string => token.slice(0, 10);
