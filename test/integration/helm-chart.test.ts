import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { atPointer, isRecord, type Json } from "../../src/model/json.ts";
import { loadSettings } from "../../src/settings/load.ts";

const root = join(import.meta.dirname, "../..");
const chart = join(root, "helm");
const read = (path: string): string => readFileSync(path, "utf8");
const yaml = (path: string): unknown => parse(read(path));

const values = z.record(z.string(), z.json()).parse(yaml(join(chart, "values.yaml")));
const files = readdirSync(join(chart, "templates")).toSorted();
const templates = files.map((file) => ({ file, text: read(join(chart, "templates", file)) }));
const manifests = templates.filter(({ file }) => file.endsWith(".yaml"));
const all = templates.map(({ text }) => text).join("\n");
const actions = (text: string): string[] =>
  [...text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map((it) => it[1] ?? "");

const valueAt = (path: string): Json | undefined =>
  atPointer(values, `/${path.replaceAll(".", "/")}`);

test("the chart is of the project's version", () => {
  const described = z.object({ name: z.string(), version: z.string(), appVersion: z.string() });
  const { version } = z.object({ version: z.string() }).parse(yaml(join(root, "package.json")));
  expect(described.parse(yaml(join(chart, "Chart.yaml")))).toEqual({
    name: "innominatus",
    version,
    appVersion: version,
  });
});

describe("values", () => {
  const used = [...all.matchAll(/\.Values\.([A-Za-z.]+)/g)].map((it) => it[1] ?? "");

  it.each([...new Set(used)].toSorted())("%s is there, as templates use it", (path) => {
    expect(valueAt(path)).toBeDefined();
  });

  it("have nothing that no template uses", () => {
    const unused = Object.entries(values).flatMap(([key, value]) => {
      const wholly = used.includes(key);
      const inside = isRecord(value) ? Object.keys(value).map((it) => `${key}.${it}`) : [key];
      return wholly ? [] : inside.filter((path) => !used.includes(path));
    });
    expect(unused).toEqual([]);
  });

  it("have the names that people know from other charts", () => {
    const names =
      `replicaCount image.repository image.tag image.pullPolicy imagePullSecrets nameOverride
       fullnameOverride serviceAccount.create serviceAccount.name serviceAccount.annotations
       podAnnotations podLabels podSecurityContext securityContext service.type service.port
       ingress.enabled resources livenessProbe readinessProbe autoscaling.enabled nodeSelector
       tolerations affinity volumes volumeMounts extraEnv existingSecret serviceMonitor.enabled
       networkPolicy.enabled podDisruptionBudget.enabled`.split(/\s+/);
    for (const name of names) expect([name, valueAt(name)]).not.toEqual([name, undefined]);
  });

  it("have settings that the controller accepts", () => {
    const folder = mkdtempSync(join(tmpdir(), "innominatus-chart-"));
    const file = join(folder, "innominatus.yaml");
    writeFileSync(file, stringify(values["settings"]));
    const env = Object.fromEntries(
      [...all.matchAll(/name: ((?:INNOMINATUS)_\w+)\n\s+value: "?([^"\n]*)/g)].map((it) => [
        it[1] ?? "",
        it[2] ?? "",
      ]),
    );
    const { settings, problems } = loadSettings({
      env: { ...env, INNOMINATUS_CONFIG: file },
      flags: {},
      cwd: folder,
    });
    rmSync(folder, { recursive: true });
    expect(problems).toEqual([]);
    expect(settings?.listen).toEqual({ host: "0.0.0.0", port: 8081 });
    expect(settings?.dataDir).toBe("/var/lib/innominatus/data");
  });
});

describe("templates", () => {
  it.each(templates)("$file closes what it opens", ({ text }) => {
    expect(text.split("{{").length).toBe(text.split("}}").length);
    const words = actions(text).map((it) => it.split(/\s/)[0]);
    const opened = words.filter((it) => /^(if|with|range|define)$/.test(it ?? "")).length;
    expect(words.filter((it) => it === "end")).toHaveLength(opened);
  });

  it("include only what the helpers define", () => {
    const defined = [...all.matchAll(/define "([^"]+)"/g)].map((it) => it[1]);
    const included = [...all.matchAll(/include "([^"]+)"/g)].map((it) => it[1]);
    expect(new Set(included)).toEqual(new Set(defined));
  });

  // Block actions alone on a line go, all others become a word: what stays is the manifest's frame.
  it.each(manifests)("$file is YAML once its actions are gone", ({ text }) => {
    const frame = text
      .replaceAll(/^\s*\{\{-? .*\}\}\n/gm, "")
      .replaceAll(/"[^"\n]*\{\{.*\}\}"/g, "x")
      .replaceAll(/\{\{.*?\}\}/g, "x");
    const manifest = z.object({ apiVersion: z.string(), kind: z.string() }).safeParse(parse(frame));
    expect(manifest.success).toBe(true);
  });

  it("refuse several replicas, autoscaling and a lost volume on the embedded database", () => {
    const helpers = read(join(chart, "templates/_helpers.tpl"));
    const refusal = helpers.slice(helpers.indexOf('define "innominatus.refuse"'));
    expect(refusal).toContain('not (include "innominatus.sharedDatabase" .)');
    expect(refusal).toContain("gt (int .Values.replicaCount) 1");
    expect(refusal.match(/fail "/g)).toHaveLength(3);
    expect(read(join(chart, "templates/deployment.yaml"))).toMatch(
      /^\{\{- include "innominatus.refuse" \. \}\}/,
    );
  });
});

test("the pod meets the restricted Pod Security Standard", () => {
  expect(values["podSecurityContext"]).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  expect(values["securityContext"]).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  expect(all).not.toMatch(/hostPath|hostNetwork|hostPID|privileged/);
});

test("the probes ask what the server answers", () => {
  const server = read(join(root, "src/server/health.ts"));
  for (const probe of ["livenessProbe", "readinessProbe"]) {
    const path = valueAt(`${probe}.httpGet.path`);
    expect(server).toContain(`.get(${JSON.stringify(path)}`);
  }
});
