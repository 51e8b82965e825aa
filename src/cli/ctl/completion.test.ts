import { execFile, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { cannedServer, runCtl, type CannedServer } from "../../../test/support/ctl.ts";

let server: CannedServer;
beforeAll(async () => {
  const resource = (name: string) => ({
    id: name,
    uid: `postgres.default#shop.${name}`,
    resource_type: "postgres",
    state: "active",
  });
  server = await cannedServer({
    "GET /api/specs": { body: { shop: { environment: "production" } } },
    "GET /api/resources": { body: [resource("db"), resource("cache")] },
  });
});
afterAll(() => server.close());

const has = (shell: string): boolean => spawnSync(shell, ["--version"]).error === undefined;

const complete = async (...words: readonly string[]): Promise<string[]> => {
  const env = { INNOMINATUS_API_BASE: server.url, INNOMINATUS_API_TOKEN: "t" };
  const ran = await runCtl(["__complete", "--", ...words], { env });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout.split("\n").filter((it) => it !== "");
};

const rows: [string, readonly string[], readonly string[]][] = [
  ["commands by their beginning", ["logi"], ["login\tsign in; the token is kept for this server"]],
  ["commands of a group", ["resource", "g"], ["get\tall that is known of it"]],
  ["options", ["deploy", "x", "--time"], ["--timeout\thow long to follow it (default: 10m)"]],
  ["an option's values", ["list", "-o", ""], ["table", "text", "json", "yaml"]],
  [
    "an option's values after =, as bash has it",
    ["graph-export", "shop", "--format", "=", "d"],
    ["dot"],
  ],
  ["names of workloads", ["status", ""], ["shop\tproduction"]],
  [
    "names of resources",
    ["resource", "get", "postgres.default#shop.d"],
    ["postgres.default#shop.db\tactive"],
  ],
  ["each type once", ["list-resources", "--type", ""], ["postgres"]],
  ["files where a file is wanted", ["deploy", ""], [":files"]],
  ["files for an option that is one", ["graph-export", "shop", "--output", ""], [":files"]],
  ["nothing beyond the last argument", ["status", "shop", ""], []],
  ["nothing where nobody answers", ["status", "--server", "http://127.0.0.1:9", ""], []],
];
describe("completion", () => {
  test.each(rows)("gives %s", async (_, words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  it("works in bash, with a uid's # and files", async () => {
    const { stdout: script } = await runCtl(["completion", "bash"]);
    const typed = ["innominatus-ctl", "resource", "get", "postgres"];
    const answer = "postgres.default#shop.db\\tactive";
    const ask = (shown: string, words: readonly string[]) => `
      innominatus-ctl() { printf '%s\\n' "$*" >&2; printf '${shown}\\n'; }
      COMP_WORDS=(${words.map((it) => `'${it}'`).join(" ")}); COMP_CWORD=${words.length - 1}
      _innominatus_ctl 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const run = async (text: string) =>
      (await promisify(execFile)("bash", ["-c", `${script}\n${text}`])).stdout;
    expect(await run(ask(answer, typed))).toBe("postgres.default#shop.db\n");
    const files = await run(ask(":files", ["innominatus-ctl", "deploy", "package.j"]));
    expect(files).toBe("package.json\n");
    // What is typed is handed on as it is, and never evaluated.
    const hostile = "$(echo evaluated)";
    const handed = `innominatus-ctl() { printf '%s\\n' "\${@: -1}"; }
      COMP_WORDS=(innominatus-ctl '${hostile}'); COMP_CWORD=1
      _innominatus_ctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect((await run(handed)).replaceAll("\\", "")).toBe(`${hostile}\n`);
  });

  it.skipIf(!has("zsh"))("works in zsh, with a uid's # and files (needs zsh)", async () => {
    const { stdout: script } = await runCtl(["completion", "zsh"]);
    const run = async (answer: string, words: readonly string[]) => {
      const text = `
        compdef() { registered="$*"; }
        _describe() { print -rl -- "\${(@P)2}"; }
        _files() { print -r -- FILES; }
        innominatus-ctl() { print -r -- "asked: \${(j:|:)@}" >&3; print -r -- $'${answer}'; }
        ${script}
        print -r -- "registered: $registered"
        words=(${words.map((it) => `'${it}'`).join(" ")}); CURRENT=${words.length}
        _innominatus_ctl 3>&1`;
      return (await promisify(execFile)("zsh", ["-f", "-c", text])).stdout;
    };
    const typed = ["innominatus-ctl", "resource", "get", "postgres.default\\#s"];
    const found = await run("postgres.default#shop.db\\tactive: since now", typed);
    expect(found).toContain("registered: _innominatus_ctl innominatus-ctl\n");
    // zsh quotes the # of what is typed; the command gets it as it is meant.
    expect(found).toContain("asked: __complete|--|resource|get|postgres.default#s\n");
    expect(found).toContain("postgres.default#shop.db:active\\: since now\n");
    expect(await run(":files", ["innominatus-ctl", "deploy", ""])).toContain("FILES\n");
    const hostile = await run("x", ["innominatus-ctl", "$(echo evaluated)"]);
    expect(hostile).toContain("asked: __complete|--|$(echo evaluated)\n");
  });

  it.skipIf(!has("fish"))("works in fish, with a uid's # and files (needs fish)", async () => {
    const { stdout: script } = await runCtl(["completion", "fish"]);
    const run = async (answer: string, line: string) => {
      const text = `
        function innominatus-ctl
          printf '%s\\n' (string join '|' -- $argv) >&2
          printf '${answer}\\n'
        end
        ${script}
        complete -C '${line}'`;
      const words = ["--no-config", "-c", text];
      return (await promisify(execFile)("fish", words, { env: { ...process.env, HOME: tmpdir() } }))
        .stdout;
    };
    const found = await run(
      "postgres.default#shop.db\\tactive",
      "innominatus-ctl resource get post",
    );
    expect(found).toBe("postgres.default#shop.db\tactive\n");
    expect(await run(":files", "innominatus-ctl deploy package.j")).toContain("package.json");
    const hostile = await run("evaluated", "innominatus-ctl \\$\\(echo evaluated\\)");
    expect(hostile).toBe("");
  });

  test.each(["zsh", "fish"])("has a script for %s", async (shell) => {
    const ran = await runCtl(["completion", shell]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("innominatus-ctl __complete --");
  });

  it("has none for other shells", async () => {
    expect(await runCtl(["completion", "tcsh"])).toMatchObject({ code: 2 });
  });
});
