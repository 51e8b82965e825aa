import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tektonConfig, type TektonConfig } from "./config.ts";
import {
  annotation,
  buildPipelineRun,
  goDuration,
  isByTag,
  labelValue,
  objectName,
  specHash,
} from "./pipeline-run.ts";

const digest = `img@sha256:${"a".repeat(64)}`;
const config = (changes: Partial<Record<keyof TektonConfig, unknown>> = {}): TektonConfig =>
  tektonConfig.parse({
    namespace: "runs",
    pipelineRef: { bundle: digest, name: "workflow" },
    ...changes,
  });
const owner = { run: "run-1", step: "migrate", attempt: 1 };
const described = { ...owner, uid: "postgres.default#shop.db", environment: "production" };

describe("objectName", () => {
  it("E16: is inn- and 16 hex digits of the hash of run, step and attempt", () => {
    expect(objectName(owner)).toBe("inn-195b431fa3fbea89");
    expect(objectName({ ...owner, attempt: 2 })).not.toBe(objectName(owner));
  });
});

describe("buildPipelineRun", () => {
  it("E28: asks a bundle's resolver for a pipeline, with everything that was declared", () => {
    const built = buildPipelineRun(
      config({
        serviceAccountName: "runner",
        params: { TABLES: ["a", "b"], AT: 5, LABELS: { tier: "data" } },
        workspaces: { cfg: { configMap: "app" }, keys: { secret: "keys" }, tmp: { emptyDir: {} } },
        timeouts: { finally: "2m" },
      }),
      described,
      1_800_000,
    );
    expect(built).toMatchObject({
      apiVersion: "tekton.dev/v1",
      kind: "PipelineRun",
      metadata: { name: objectName(owner), namespace: "runs" },
      spec: {
        pipelineRef: {
          resolver: "bundles",
          params: [
            { name: "bundle", value: digest },
            { name: "name", value: "workflow" },
            { name: "kind", value: "pipeline" },
          ],
        },
        params: [
          { name: "AT", value: "5" },
          { name: "LABELS", value: { tier: "data" } },
          { name: "TABLES", value: ["a", "b"] },
        ],
        workspaces: [
          { name: "cfg", configMap: { name: "app" } },
          { name: "keys", secret: { secretName: "keys" } },
          { name: "tmp", emptyDir: {} },
        ],
        taskRunTemplate: { serviceAccountName: "runner" },
        timeouts: { pipeline: "0h30m0s", finally: "0h2m0s" },
      },
    });
  });

  it.each([
    [
      { cluster: { namespace: "lib", name: "p" } },
      {
        resolver: "cluster",
        params: [
          { name: "kind", value: "pipeline" },
          { name: "name", value: "p" },
          { name: "namespace", value: "lib" },
        ],
      },
    ],
    [{ name: "p" }, { name: "p" }],
  ])("E28: refers to %j as Tekton does", (pipelineRef, expected) => {
    const built = buildPipelineRun(config({ pipelineRef }), described, 1_000);
    expect(built).toMatchObject({ spec: { pipelineRef: expected } });
  });

  it("E17: says whose it is, whole, in annotations, and legally in labels", () => {
    const { metadata } = buildPipelineRun(config(), described, 1_000);
    expect(metadata).toMatchObject({
      labels: { "innominatus.dev/resource": "postgres.default-shop.db" },
      annotations: {
        [annotation.resource]: "postgres.default#shop.db",
        [annotation.run]: "run-1",
        [annotation.step]: "migrate",
        [annotation.attempt]: "1",
        [annotation.specHash]: specHash(config()),
      },
    });
  });

  it("E28: gives the same object whatever order params were written in", () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.string()), (keys, values) => {
        const entries = keys.map((key) => [key, values.next().value] as const);
        const forwards = config({ params: Object.fromEntries(entries) });
        const backwards = config({ params: Object.fromEntries(entries.toReversed()) });
        expect(buildPipelineRun(forwards, described, 1_000)).toEqual(
          buildPipelineRun(backwards, described, 1_000),
        );
      }),
    );
  });
});

describe("labelValue", () => {
  it("E28: is legal for any text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(labelValue(text)).toMatch(/^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/);
      }),
    );
  });
});

describe("isByTag", () => {
  it.each([
    ["img:v1", true],
    ["img", true],
    [digest, false],
  ])("E28: knows that %s may come to mean another: %s", (bundle, expected) => {
    expect(isByTag(config({ pipelineRef: { bundle, name: "p" } }))).toBe(expected);
  });
});

describe("goDuration", () => {
  it.each([
    [1_800_000, "0h30m0s"],
    [3_661_000, "1h1m1s"],
    [400, "0h0m1s"],
  ])("writes %d ms as %s", (ms, expected) => {
    expect(goDuration(ms)).toBe(expected);
  });
});
