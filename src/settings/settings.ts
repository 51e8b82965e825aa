/** The controller's settings once read and checked: what DESIGN.md §4 and §9 leave to an operator. */
import type { ApiSettings } from "./api.ts";
import type { logEncodings, logLevels } from "./file.ts";
import type { ForgeSettings } from "./forge.ts";

/** Names of where a repository's credentials are; their values are read when git runs (git-credentials.ts). */
export interface Credentials {
  /** Environment variables; `<NAME>_FILE` is read where it is set instead. */
  readonly usernameEnv?: string;
  readonly passwordEnv?: string;
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
}

export interface RepositorySettings {
  readonly name: string;
  /** Holds no password; a path is absolute. */
  readonly url: string;
  readonly credentials?: Credentials;
  /** Absent: its pull requests are left alone. */
  readonly forge?: ForgeSettings;
}

export type ProviderSource =
  | { readonly name: string; readonly kind: "folder"; readonly path: string }
  | {
      readonly name: string;
      readonly kind: "git";
      readonly repository: string;
      /** `HEAD` where the file does not say. */
      readonly ref: string;
      /** Folder in the repository; absent: its root. */
      readonly path?: string;
    };

export interface Connection {
  /** Secret: it may hold a password. */
  readonly url: string;
  /** What outputs tell workloads instead of the URL's host and port. */
  readonly publicHost?: string;
  readonly publicPort?: number;
}

export interface AuditSink {
  /** Holds no password. */
  readonly url: string;
  /** The variable with the token; `undefined`: none is sent. */
  readonly tokenEnv: string | undefined;
  readonly intervalMs: number;
}

export interface ClusterSettings {
  readonly name: string;
  readonly source:
    | { readonly kind: "in-cluster" }
    /** Without a file: `KUBECONFIG` or `~/.kube/config`; without a context: the current one. */
    | { readonly kind: "kubeconfig"; readonly file?: string; readonly context?: string };
  /** Names, `repository/environment`, or `*`. */
  readonly environments: readonly string[];
  /** By provider: the user it acts as. */
  readonly impersonate: {
    readonly [provider: string]: { readonly user: string; readonly groups: readonly string[] };
  };
}

/** Holds secrets: never log it whole; `secretValues` lists them for masking. */
export interface Settings {
  readonly dataDir: string;
  /** Secret. `undefined`: the embedded database in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Secret. `undefined`: a key file in `dataDir`. */
  readonly encryptionKey: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly repositories: readonly RepositorySettings[];
  readonly providers: readonly ProviderSource[];
  readonly connections: { readonly [name: string]: Connection };
  readonly clusters: readonly ClusterSettings[];
  readonly pollMs: number;
  readonly resyncMs: number;
  readonly workers: number;
  readonly workersPerProvider: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** From a run's first claim to its deadline, where its workflow does not say. */
  readonly runTimeoutMs: number;
  /** How long nothing else runs on a target after a run that had effect. */
  readonly cooldown: {
    readonly resourcesMs: number;
    /** Of targets that workflows declare. */
    readonly targetsMs: number;
    /** By a target's name, in place of the two above. */
    readonly byTargetMs: { readonly [target: string]: number };
  };
  readonly stepRetry: { readonly baseMs: number; readonly factor: number; readonly capMs: number };
  readonly runRetry: {
    readonly baseMs: number;
    readonly capMs: number;
    readonly stallAfter: number;
  };
  /** Where the audit trail is delivered to; `undefined`: nowhere. */
  readonly auditSink: AuditSink | undefined;
  /** How long delivered events, and those that others sent, are kept. */
  readonly auditRetentionMs: number;
  /** Secret: what others may send audit events to us with. */
  readonly auditToken: string | undefined;
  readonly api: ApiSettings;
  readonly log: {
    readonly level: (typeof logLevels)[number];
    readonly encoding: (typeof logEncodings)[number];
  };
}
