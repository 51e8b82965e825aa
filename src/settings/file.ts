/** What `innominatus.yaml` may say (DESIGN.md §4): the controller's own settings, every key with a default. */
import { z } from "zod";
import { apiSection } from "./api-file.ts";
import { forgeFile } from "./forge.ts";
import { duration, secretText, text, variable, whole } from "./values.ts";

const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "lower-case letters, digits and dashes");

const credentials = z.strictObject({
  usernameEnv: variable.optional(),
  passwordEnv: variable.optional(),
  sshKeyFile: text.optional(),
  knownHostsFile: text.optional(),
});

const provider = z.strictObject({
  name,
  type: z.enum(["folder", "filesystem", "git"]),
  path: text.optional(),
  repository: text.optional(),
  ref: text.optional(),
});

const connection = z.strictObject({
  url: secretText.optional(),
  urlEnv: variable.optional(),
  publicHost: text.optional(),
  publicPort: whole(1, 65_535).optional(),
});

const serviceAccount = z
  .string()
  .regex(/^[-a-z0-9.]+\/[-a-z0-9.]+$/, "a service account, written namespace/name");

const cluster = z.strictObject({
  /** Names, `repository/environment`, or `*`. */
  environments: z.array(text).min(1).default(["*"]),
  /** The cluster that the controller itself runs in. */
  inCluster: z.boolean().default(false),
  kubeconfig: text.optional(),
  context: text.optional(),
  /** By provider: the service account it acts as. */
  impersonate: z.record(name, serviceAccount).default({}),
});

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const logEncodings = ["json", "console"] as const;

export const settingsFile = z.strictObject({
  apiVersion: z.literal("innominatus.dev/v1").optional(),
  kind: z.literal("Controller").optional(),
  dataDir: text.default("data"),
  databaseUrl: secretText.optional(),
  listen: z
    .strictObject({
      host: text.default("127.0.0.1"),
      port: whole(0, 65_535).prefault(8081),
    })
    .prefault({}),
  repositories: z
    .array(
      z.strictObject({
        name,
        url: text,
        credentials: credentials.optional(),
        forge: forgeFile.optional(),
      }),
    )
    .default([]),
  providers: z.array(provider).default([]),
  connections: z.record(name, connection).default({}),
  /** The first that names an environment serves it. */
  clusters: z.record(name, cluster).default({}),
  intervals: z
    .strictObject({
      poll: duration("60s", 1_000),
      resync: duration("1h", 10_000),
    })
    .prefault({}),
  workers: z
    .strictObject({
      count: whole(1, 1_000).prefault(10),
      perProvider: whole(1, 1_000).prefault(4),
      lease: duration("60s", 1_000),
      heartbeat: duration("15s", 100),
      runTimeout: duration("24h", 1_000),
    })
    .prefault({}),
  cooldown: z
    .strictObject({
      resources: duration("0s", 0),
      targets: duration("5m", 0),
      byTarget: z.record(z.string().min(1), duration("0s", 0)).default({}),
    })
    .prefault({}),
  retry: z
    .strictObject({
      step: z
        .strictObject({
          base: duration("5s", 1),
          factor: whole(1, 10).prefault(2),
          cap: duration("3m", 1),
        })
        .prefault({}),
      run: z
        .strictObject({
          base: duration("1m", 1),
          cap: duration("10m", 1),
          stallAfter: whole(1, 1_000).prefault(5),
        })
        .prefault({}),
    })
    .prefault({}),
  audit: z
    .strictObject({
      url: text.optional(),
      tokenEnv: variable.optional(),
      interval: duration("1s", 100),
      /** 90 days. */
      retention: duration("2160h", 60_000),
    })
    .prefault({}),
  api: apiSection.prefault({}),
  log: z
    .strictObject({
      level: z.enum(logLevels).default("info"),
      encoding: z.enum(logEncodings).default("json"),
    })
    .prefault({}),
});

export type SettingsFile = z.output<typeof settingsFile>;
