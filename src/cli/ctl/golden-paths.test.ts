import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { cannedServer, runCtl, type CannedServer } from "../../../test/support/ctl.ts";

let server: CannedServer;
let cwd = "";
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "innominatus-golden-"));
  const hint = "ask for it in the Score spec of shop:\nresources:\n  onboard:\n    type: team";
  server = await cannedServer({
    "GET /api/golden-paths": {
      body: [
        { name: "onboard", provider: "x", description: "a team", parameters: [{ name: "size" }] },
      ],
    },
    "POST /api/workflows/golden-paths/onboard/execute": {
      status: 501,
      body: { code: "golden-path-not-run", detail: "nothing was run", hint },
    },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(cwd, { recursive: true });
});

const ctl = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCtl(words, {
    cwd,
    env: { INNOMINATUS_API_BASE: server.url, INNOMINATUS_API_TOKEN: "t", ...env },
  });

describe("golden paths", () => {
  it("are listed with their parameters, and completed", async () => {
    const ran = await ctl(["list-goldenpaths"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/onboard +x +size +a team/);
    expect((await ctl(["__complete", "--", "run", "on"])).stdout).toBe("onboard\ta team\n");
  });

  it("are not run: what to write is printed, and nothing is pretended", async () => {
    writeFileSync(join(cwd, "score.yaml"), "metadata: { name: shop }\n");
    const words = ["run", "onboard", "score.yaml", "--param", "size=a=b", "--param", "x="];
    const ran = await ctl(words);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/error: nothing was run[^]*type: team/);
    const asked = server.asked.at(-1)?.body ?? "";
    expect(JSON.parse(asked)).toEqual({ application: "shop", parameters: { size: "a=b", x: "" } });
    expect(await ctl(["run", "onboard", "--param", "size"])).toMatchObject({ code: 2 });
    expect(await ctl(["run", "onboard", "nowhere.yaml"])).toMatchObject({ code: 1 });
  });
});

describe("what upstream has and is not here", () => {
  test.each([["chat"], ["fix-gitea-oauth"], ["chat", "--model", "x", "hello"]])(
    "%s says what to do instead, without a server",
    async (...words) => {
      const ran = await ctl(words, { INNOMINATUS_API_BASE: "http://127.0.0.1:9" });
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toMatch(/^error: there is no [^]*\n {2}next: /);
    },
  );

  it("leaves to the demonstration's own commands what is left of it", async () => {
    const env = { TMPDIR: cwd };
    expect((await ctl(["demo-status"], env)).stdout).toContain("nothing of one is left");
    writeFileSync(join(cwd, "innominatus-demo-abc123"), "");
    expect((await ctl(["demo-status"], env)).stdout).toContain("innominatus-demo-abc123");
    expect(await ctl(["demo-reset", "--no-check"], env)).toMatchObject({ code: 0 });
    expect((await ctl(["demo-status"], env)).stdout).toContain("nothing of one is left");
  });
});
