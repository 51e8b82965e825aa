/**
 * What the environment and the command line say instead of the file. A later one wins: file,
 * environment, flags. Each value keeps where it came from, so that a mistake in it is told there.
 */
import type { JsonRecord } from "../model/json.ts";
import { isRecord, own } from "../model/json.ts";
import type { Environment } from "./secret-variables.ts";

/** Flags as they were typed; the command line knows no kinds of values. */
export interface Flags {
  readonly dataDir?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly poll?: string | undefined;
  readonly workers?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly logEncoding?: string | undefined;
  /** Watches only this repository: URL, path, or the name of a configured one. */
  readonly repo?: string | undefined;
}

export interface Override {
  readonly path: readonly string[];
  readonly value: string;
  /** `--port`, `INNOMINATUS_PORT`. */
  readonly from: string;
}

interface Way {
  readonly path: string;
  readonly variables: readonly string[];
  readonly flag?: keyof Flags;
}

// Of several variables the first that is set counts; upstream's names come last.
const ways: readonly Way[] = [
  { path: "dataDir", variables: ["INNOMINATUS_DATA_DIR"], flag: "dataDir" },
  { path: "databaseUrl", variables: [], flag: "databaseUrl" },
  { path: "listen.host", variables: ["INNOMINATUS_HOST"], flag: "host" },
  { path: "listen.port", variables: ["INNOMINATUS_PORT"], flag: "port" },
  { path: "intervals.poll", variables: ["INNOMINATUS_POLL"], flag: "poll" },
  { path: "intervals.resync", variables: ["INNOMINATUS_RESYNC"] },
  { path: "workers.count", variables: ["INNOMINATUS_WORKERS"], flag: "workers" },
  { path: "workers.perProvider", variables: ["INNOMINATUS_WORKERS_PER_PROVIDER"] },
  { path: "workers.lease", variables: ["INNOMINATUS_LEASE"] },
  { path: "workers.heartbeat", variables: ["INNOMINATUS_HEARTBEAT"] },
  { path: "workers.runTimeout", variables: ["INNOMINATUS_RUN_TIMEOUT"] },
  { path: "cooldown.resources", variables: ["INNOMINATUS_COOLDOWN_RESOURCES"] },
  { path: "cooldown.targets", variables: ["INNOMINATUS_COOLDOWN_TARGETS"] },
  { path: "audit.url", variables: ["INNOMINATUS_AUDIT_URL"] },
  { path: "audit.tokenEnv", variables: ["INNOMINATUS_AUDIT_TOKEN_ENV"] },
  { path: "audit.interval", variables: ["INNOMINATUS_AUDIT_INTERVAL"] },
  { path: "audit.retention", variables: ["INNOMINATUS_AUDIT_RETENTION"] },
  { path: "log.level", variables: ["INNOMINATUS_LOG_LEVEL", "LOG_LEVEL"], flag: "logLevel" },
  {
    path: "log.encoding",
    variables: ["INNOMINATUS_LOG_ENCODING", "LOG_FORMAT"],
    flag: "logEncoding",
  },
];

export function overrides(env: Environment, flags: Flags): readonly Override[] {
  return ways.flatMap(({ path, variables, flag }): Override[] => {
    const at = path.split(".");
    const typed = flag === undefined ? undefined : flags[flag];
    if (flag !== undefined && typed !== undefined) {
      return [{ path: at, value: typed, from: `--${kebab(flag)}` }];
    }
    const from = variables.find((it) => (env[it] ?? "") !== "");
    const value = from === undefined ? undefined : env[from];
    return from === undefined || value === undefined ? [] : [{ path: at, value, from }];
  });
}

/** `tree` with the overrides in it. A value of the wrong shape on the way stays, and is told as the file's mistake. */
export function overlay(tree: JsonRecord, given: readonly Override[]): JsonRecord {
  return given.reduce((result, { path, value }) => setAt(result, path, value), tree);
}

function setAt(tree: JsonRecord, path: readonly string[], value: string): JsonRecord {
  const [key, ...rest] = path;
  if (key === undefined) return tree;
  if (rest.length === 0) return { ...tree, [key]: value };
  const child = own(tree, key) ?? {};
  return isRecord(child) ? { ...tree, [key]: setAt(child, rest, value) } : tree;
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (it) => `-${it.toLowerCase()}`);
