/** Where a repository is: its URL or path, as git, a folder's name and a message may have it. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { resolve } from "node:path";

/** What git calls a path: no scheme, and no colon before the first slash (`host:path` is ssh). */
export const isPath = (url: string): boolean =>
  !/^[a-z][a-z0-9+.-]*:\/\//i.test(url) && !/^[^/]+:/.test(url);

/** Absolute, because git runs in the mirror's folder: `./origin.git` is meant from here. */
export function locate(url: string): string {
  if (!isPath(url)) return url;
  return resolve(url.replace(/^~(?=\/|$)/, homedir()));
}

/** A folder's name for the mirror: the same for every spelling of one repository. */
export function mirrorName(url: string): string {
  const normal = normalise(url);
  const digest = createHash("sha256").update(normal).digest("hex").slice(0, 12);
  const words = normal.replace(/^[a-z]+:\/+/, "").replaceAll(/[^A-Za-z0-9]+/g, "-");
  return `${words.replaceAll(/^-+|-+$/g, "").slice(-60)}-${digest}`;
}

/** The same for every spelling of one repository: credentials, host's case, trailing slash, `.git`. */
export function normalise(url: string): string {
  // A folder `repo` and a folder `repo.git` may both be there; on a forge they are one.
  if (isPath(url)) return `file://${locate(url)}`;
  const ssh = /^(?:[^@/]+@)?([^/:]+):(?!\/\/)\/?(.*)$/.exec(url);
  const spelled = ssh === null ? url : `ssh://${ssh[1]}/${ssh[2]}`;
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/]*@)?([^/]*)(.*)$/i.exec(spelled);
  if (parts === null) return spelled;
  const [, scheme = "", host = "", path = ""] = parts;
  if (scheme.toLowerCase() === "file") return `file://${path.replace(/\/+$/, "")}`;
  const bare = path.replace(/\/+$/, "").replace(/\.git$/, "");
  return `${scheme.toLowerCase()}://${host.toLowerCase()}${bare}`;
}

/** Values that no message may hold: the URL's credentials, as written and decoded. */
export function credentialsIn(url: string): readonly string[] {
  const userinfo = /^[a-z][a-z0-9+.-]*:\/\/([^/]*)@/i.exec(url)?.[1];
  if (userinfo === undefined) return [];
  const colon = userinfo.indexOf(":");
  const password = colon < 0 ? userinfo : userinfo.slice(colon + 1);
  return [password, decode(password)].filter((it) => it !== "" && it !== "git");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `text` without the userinfo of any URL and without any of `secrets`. Longest first: one may hold another. */
export function mask(text: string, secrets: readonly string[]): string {
  const open = text.replaceAll(/:\/\/[^/@\s'"]*@/g, "://***@");
  return secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, "***"), open);
}
