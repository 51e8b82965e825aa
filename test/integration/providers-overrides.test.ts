/** The example repository with an app of every common type, in two environments on one branch. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { runCli } from "../support/cli.ts";
import { createOrigin, type Origin } from "../support/repository.ts";

const gallery = `apiVersion: score.dev/v1b1
metadata: { name: gallery }
containers:
  web:
    image: ghcr.io/example/gallery:1.0.0
    variables:
      LOG_LEVEL: \${resources.env.LOG_LEVEL}
    volumes:
      /cache: { source: "\${resources.scratch}" }
resources:
  db: { type: postgres, params: { size: small } }
  cache: { type: redis }
  pictures: { type: s3 }
  events: { type: amqp }
  address: { type: dns }
  front:
    type: route
    params: { host: "\${resources.address.host}", path: /pictures, port: 8080 }
  scratch: { type: volume }
  env: { type: environment, params: { values: { LOG_LEVEL: info } } }
  shop: { type: service }
`;
const production = `resources:
  db: { params: { size: large } }
  cache: { params: { size: large } }
  env: { params: { values: { LOG_LEVEL: warn } } }
  archive: { type: s3 }
`;
const environments = `environments:
  - { name: staging, branch: main }
  - { name: production, branch: main, overrides: "environments/production/**" }
`;

const planned = z.object({
  operations: z.array(
    z.object({
      uid: z.string(),
      operation: z.string(),
      changes: z.array(z.object({ path: z.string(), to: z.json().optional() })),
      dependsOn: z.array(z.string()),
      gate: z.object({ kind: z.string() }).nullable(),
    }),
  ),
  problems: z.array(z.object({ file: z.string(), code: z.string() })),
});

let folder: string;
let origin: Origin;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "innominatus-overrides-"));
  const example = await readdir("gitops-example", { recursive: true, withFileTypes: true });
  const files: Record<string, string> = {};
  for (const it of example.filter((entry) => entry.isFile())) {
    const path = join(it.parentPath, it.name);
    files[path.slice("gitops-example/".length)] = await readFile(path, "utf8");
  }
  files[".innominatus.yaml"] = (files[".innominatus.yaml"] ?? "").replace(
    /^environments:\n(?: .*\n)+/m,
    environments,
  );
  files["apps/gallery/score.yaml"] = gallery;
  files["environments/production/gallery.score.yaml"] = production;
  origin = await createOrigin(files);
});
afterAll(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const plan = async (environment: string, ...more: readonly string[]) => {
  const words = ["plan", "--repo", origin.url, "--data-dir", join(folder, environment)];
  const ran = await runCli([...words, "--environment", environment, "-o", "json", ...more]);
  expect(ran.stderr).toBe("");
  return planned.parse(JSON.parse(ran.stdout));
};
const asked = (read: z.infer<typeof planned>, uid: string) => {
  const found = read.operations.find((it) => it.uid === uid);
  return Object.fromEntries(found?.changes.map((it) => [it.path, it.to]) ?? []);
};

describe("plan --environment", () => {
  it("shows every common type of Score's as created, without a problem", async () => {
    const { operations, problems } = await plan("staging");
    expect(problems).toEqual([]);
    const its = operations.filter((it) => it.uid.includes("#gallery."));
    expect(its.map((it) => `${it.operation} ${it.uid}`)).toEqual([
      "create amqp.default#gallery.events",
      "create dns.default#gallery.address",
      "create environment.default#gallery.env",
      "create postgres.default#gallery.db",
      "create redis.default#gallery.cache",
      "create route.default#gallery.front",
      "create s3.default#gallery.pictures",
      "create service.default#gallery.shop",
      "create volume.default#gallery.scratch",
    ]);
    expect(its.find((it) => it.uid.startsWith("route"))?.dependsOn).toEqual([
      "dns.default#gallery.address",
    ]);
  });

  it("shows what one environment has otherwise than the other", async () => {
    const [staging, live] = [await plan("staging"), await plan("production")];
    expect(live.problems).toEqual([]);
    expect(asked(staging, "postgres.default#gallery.db")).toEqual({ "/size": "small" });
    expect(asked(live, "postgres.default#gallery.db")).toEqual({ "/size": "large" });
    expect(asked(staging, "redis.default#gallery.cache")).toEqual({});
    expect(asked(live, "redis.default#gallery.cache")).toEqual({ "/size": "large" });
    expect(asked(staging, "environment.default#gallery.env")).toEqual({
      "/values": { LOG_LEVEL: "info" },
    });
    expect(asked(live, "environment.default#gallery.env")).toEqual({
      "/values": { LOG_LEVEL: "warn" },
    });
    const uids = (read: z.infer<typeof planned>) => read.operations.map((it) => it.uid);
    expect(uids(live).filter((it) => !uids(staging).includes(it))).toEqual([
      "s3.default#gallery.archive",
    ]);
    expect(uids(staging).filter((it) => !uids(live).includes(it))).toEqual([]);
  });

  it("shows a removed override as the changes that it makes, in its environment alone", async () => {
    const base = (await origin.tip()) ?? "";
    await origin.remove(["environments/production/gallery.score.yaml"]);
    const changes = async (environment: string) =>
      (await plan(environment, "--base", base)).operations
        .filter((it) => it.operation !== "none")
        .map((it) => `${it.operation} ${it.uid}`);
    expect(await changes("staging")).toEqual([]);
    expect(await changes("production")).toEqual([
      "update environment.default#gallery.env",
      "update postgres.default#gallery.db",
      "update redis.default#gallery.cache",
      "delete s3.default#gallery.archive",
    ]);
  });

  it("law 1: holds everything while an override cannot be read, in its environment alone", async () => {
    const base = (await origin.tip("main~1")) ?? "";
    await origin.commit({ "environments/production/other.yaml": "a: [" });
    const { operations, problems } = await plan("production", "--base", base);
    expect(problems.map((it) => it.file)).toEqual(["environments/production/other.yaml"]);
    expect(operations).not.toEqual([]);
    expect(operations.filter((it) => it.operation !== "none" || it.gate === null)).toEqual([]);
    const staging = await plan("staging", "--base", base);
    expect(staging.problems).toEqual([]);
    expect(staging.operations.filter((it) => it.gate !== null)).toEqual([]);
  });
});
