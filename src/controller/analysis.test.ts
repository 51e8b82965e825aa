import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { jsonOf, openTestApi } from "../../test/support/api.ts";
import { runCtl } from "../../test/support/ctl.ts";
import { openTestDatabase } from "../../test/support/database.ts";
import type { Database } from "../store/database.ts";
import { analyseFile } from "./analysis.ts";

const score = `apiVersion: score.dev/v1b1
metadata: { name: shop }
containers: { main: { image: nginx } }
resources:
  app-dns: { type: dns }
  db: { type: postgres, params: { network: "\${resources.network.id}" } }
  network: { type: network }
  route: { type: route, params: { host: "\${resources.app-dns.host}", db: "\${resources.db.host}" } }
`;
const workflow = `apiVersion: innominatus.io/v1alpha1
kind: Workflow
metadata: { name: make }
steps:
  - { name: first, type: policy, config: { script: "echo a" } }
  - { name: second, type: policy, config: { script: "echo b" } }
  - { name: third-one, type: policy, config: { script: "echo {{ .steps.first.output.stdout }}" } }
`;

describe("the analysis of a file", () => {
  it("tells what a spec's resources use of one another, and which are made at once", () => {
    const { documents, problems } = analyseFile("score.yaml", score);
    expect(problems).toEqual([]);
    expect(documents).toMatchObject([
      {
        kind: "Score",
        name: "shop",
        nodes: [
          { name: "app-dns", type: "dns", dependsOn: [] },
          { name: "db", dependsOn: ["network"] },
          { name: "network", dependsOn: [] },
          { name: "route", dependsOn: ["app-dns", "db"] },
        ],
        groups: [["app-dns", "network"], ["db"], ["route"]],
        criticalPath: ["network", "db", "route"],
      },
    ]);
  });

  it("tells what a workflow's steps use, and that they run one after the other", () => {
    const { documents } = analyseFile("all.yaml", `${score}---\n${workflow}`);
    expect(documents[1]).toMatchObject({
      kind: "Workflow",
      name: "make",
      nodes: [{ dependsOn: [] }, { dependsOn: [] }, { name: "third-one", dependsOn: ["first"] }],
      groups: [["first"], ["second"], ["third-one"]],
      criticalPath: ["first", "second", "third-one"],
    });
  });

  it("tells every mistake with its place, a circle and a file of something else among them", () => {
    const circle = score.replace(
      "network: { type: network }",
      'network: { type: network, params: { d: "${resources.db.x}" } }',
    );
    const codes = (text: string) => analyseFile("x.yaml", text).problems.map((it) => it.code);
    expect(codes(circle)).toEqual(["score/param-cycle"]);
    expect(codes("a: [")[0]).toMatch(/^yaml\//);
    expect(codes("kind: Deployment\n")).toEqual(["schema/unknown-kind"]);
    expect(analyseFile("x.yaml", "kind: Deployment\n").documents).toEqual([]);
  });
});

describe("is asked for", () => {
  let db: Database;
  let cwd = "";
  beforeAll(async () => {
    db = await openTestDatabase("embedded");
    cwd = mkdtempSync(join(tmpdir(), "innominatus-analysis-"));
  }, 60_000);
  afterAll(async () => {
    await db.close();
    rmSync(cwd, { recursive: true });
  });

  test.each(["/api/workflow-analysis", "/api/workflow-analysis/preview"])(
    "%s over HTTP, with every mistake as a problem",
    async (path) => {
      const api = await openTestApi(db);
      const post = (body: string) => api.as("viewer", path, { method: "POST", body });
      const answer = await jsonOf(await post(score));
      expect(answer["documents"]).toMatchObject([
        {
          name: "shop",
          order: ["app-dns", "network", "db", "route"],
          parallel_groups: [["app-dns", "network"], ["db"], ["route"]],
          critical_path: ["network", "db", "route"],
        },
      ]);
      const refused = await post(score.replace("image", "imgae"));
      expect(refused.status).toBe(422);
      expect((await jsonOf(refused))["problems"]).toMatchObject([{ file: "body", line: 3 }, {}]);
      expect((await post("")).status).toBe(422);
    },
  );

  it("by command, without a server", async () => {
    writeFileSync(join(cwd, "score.yaml"), score);
    const ctl = (...words: string[]) => runCtl(["analyze", ...words], { cwd });
    const ran = await ctl("score.yaml");
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(
      /^Score shop\n[^]*1 +network +network[^]*3 +route +route +app-dns, db[^]*critical path: network → db → route\n$/,
    );
    expect(JSON.parse((await ctl("score.yaml", "-o", "json")).stdout)).toMatchObject({
      documents: [{ critical_path: ["network", "db", "route"] }],
    });
    writeFileSync(join(cwd, "broken.yaml"), score.replace("image", "imgae"));
    expect(await ctl("broken.yaml")).toMatchObject({ code: 1, stdout: "" });
    expect(await ctl("nowhere.yaml")).toMatchObject({ code: 1 });
  });
});
