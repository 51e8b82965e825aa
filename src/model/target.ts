/** What runs exclude each other on, and what its lock is called (E1). Pure. */
import { createHash } from "node:crypto";
import type { Scope, Uid } from "./uid.ts";

/** The target of a resource whose workflow declares none. */
export const ownTarget = ({ repository, environment }: Scope, uid: Uid): string =>
  `${repository}/${environment}/${uid}`;

/**
 * `namespace/kind/name` or `kind/name` → the same with the kind in lower case.
 *
 * @returns `undefined` where it is neither, or a part of it is empty
 */
export function normalizeTarget(text: string): string | undefined {
  const parts = text.split("/").map((it) => it.trim());
  if (parts.length < 2 || parts.length > 3 || parts.includes("")) return undefined;
  const kind = parts.length - 2;
  return parts.map((it, index) => (index === kind ? it.toLowerCase() : it)).join("/");
}

export const lockName = (target: string): string =>
  `wfe-${createHash("sha256").update(target, "utf8").digest("hex").slice(0, 16)}`;
