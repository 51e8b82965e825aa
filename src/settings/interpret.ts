/** What a well-formed settings file means: paths made absolute, secrets fetched, and what no schema says. */
import { resolve } from "node:path";
import type { Problem } from "../model/problem.ts";
import { readAuditSink } from "./audit-sink.ts";
import { readApi } from "./api-file.ts";
import { readConnections } from "./connections.ts";
import { clustersOf } from "./clusters.ts";
import type { Context, Tell } from "./context.ts";
import type { SettingsFile } from "./file.ts";
import { hasPassword, isPostgresUrl } from "./secret-url.ts";
import { readSecret, type Environment } from "./secret-variables.ts";
import type { Settings } from "./settings.ts";
import { providersOf, repositoriesOf } from "./sources.ts";

export function interpret(
  file: SettingsFile,
  context: Context,
): { readonly settings: Settings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const tell: Tell = (path, problem) => {
    const { place, pointer } = context.where(path);
    problems.push({ ...place, pointer, severity: "error", ...problem });
  };
  const { env, baseOf } = context;
  const { intervals, workers, cooldown, retry } = file;
  if (workers.heartbeat * 2 > workers.lease) {
    const message = "the heartbeat takes more than half of the lease: one late beat would lose it";
    tell(["workers", "heartbeat"], {
      code: "settings/heartbeat",
      message,
      hint: "a quarter of the lease is usual",
    });
  }

  const settings: Settings = {
    dataDir: resolve(baseOf(["dataDir"]), file.dataDir),
    databaseUrl: databaseUrlOf(file, context, tell),
    encryptionKey: secretOf("INNOMINATUS_ENCRYPTION_KEY", env, tell),
    listen: file.listen,
    repositories: repositoriesOf(file, context, tell),
    providers: providersOf(file, context, tell),
    connections: readConnections(file.connections, env, tell),
    clusters: clustersOf(file.clusters, baseOf(["clusters"]), tell),
    pollMs: intervals.poll,
    resyncMs: intervals.resync,
    workers: workers.count,
    workersPerProvider: workers.perProvider,
    leaseMs: workers.lease,
    heartbeatMs: workers.heartbeat,
    runTimeoutMs: workers.runTimeout,
    cooldown: {
      resourcesMs: cooldown.resources,
      targetsMs: cooldown.targets,
      byTargetMs: cooldown.byTarget,
    },
    stepRetry: { baseMs: retry.step.base, factor: retry.step.factor, capMs: retry.step.cap },
    runRetry: {
      baseMs: retry.run.base,
      capMs: retry.run.cap,
      stallAfter: retry.run.stallAfter,
    },
    auditSink: readAuditSink(file.audit, tell),
    auditRetentionMs: file.audit.retention,
    auditToken: secretOf("INNOMINATUS_AUDIT_TOKEN", env, tell),
    api: readApi(file, context, secretOf("INNOMINATUS_ADMIN_PASSWORD", env, tell), tell),
    log: file.log,
  };
  return { settings, problems };
}

/** Flag, then variable, then file; only the file may not hold the password. */
function databaseUrlOf(
  file: SettingsFile,
  { env, flags }: Context,
  tell: Tell,
): string | undefined {
  const fromVariable = flags.databaseUrl ?? secretOf("DATABASE_URL", env, tell);
  const url = fromVariable ?? file.databaseUrl;
  if (url === undefined) return undefined;
  if (!isPostgresUrl(url)) {
    tell(["databaseUrl"], {
      code: "settings/database-url",
      message: "the database's URL is none of PostgreSQL",
      hint: "write it like postgresql://user:password@host:5432/database, in DATABASE_URL",
    });
  } else if (fromVariable === undefined && hasPassword(url)) {
    tell(["databaseUrl"], {
      code: "settings/password-in-file",
      severity: "warning",
      message: "the URL holds a password",
      hint: "put it in DATABASE_URL, or in a file that DATABASE_URL_FILE names",
    });
  }
  return url;
}

function secretOf(name: string, env: Environment, tell: Tell): string | undefined {
  const secret = readSecret(env, name);
  if (secret.state === "unreadable") {
    tell([], {
      code: "settings/secret-unreadable",
      message: secret.message,
      hint: `set ${name}, or ${name}_FILE to the path of a file that holds it`,
    });
  }
  return secret.state === "set" ? secret.value : undefined;
}
