/** Comments as a browser shows them: GitHub-flavoured Markdown, whole tables, and nothing of a spec's as HTML. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Plan, PlannedOperation } from "../../../src/model/plan.ts";
import type { Problem } from "../../../src/model/problem.ts";
import { formatUid } from "../../../src/model/uid.ts";
import { liveComment, type LiveResource } from "../../../src/report/comment/live.ts";
import { openComment } from "../../../src/report/comment/open.ts";

const executablePath = "/usr/bin/chromium";
const isThere = existsSync(executablePath);
if (!isThere) process.stderr.write(`skipping the browser tests: there is no ${executablePath}\n`);

const evil =
  "</code></td><img src=x onerror=alert(1)> | `` ``` @acme/team #7 [x](javascript:1)\n## h\n```\n";
const uid = formatUid("thing", "default", `shop.${evil}`);
const links = {
  commit: (commit: string) => `https://forge.example/commit/${commit}`,
  file: (ref: string, path: string, line?: number) =>
    `https://forge.example/${ref}/${path}#L${line}`,
};
const operation: PlannedOperation = {
  uid,
  operation: "delete",
  workload: evil,
  provider: evil,
  workflow: evil,
  bundle: "b",
  reason: "Removed",
  changes: [{ path: `/${evil}`, from: evil, to: "fine" }],
  dependsOn: [],
  gate: { kind: "approval", message: evil },
};
const problem: Problem = {
  file: evil,
  line: 4,
  column: 2,
  pointer: "",
  code: evil,
  severity: "error",
  message: evil,
  hint: evil,
};
const plan: Plan = {
  hash: "9d4e2f00".repeat(8),
  commit: "a".repeat(40),
  base: null,
  environment: "default",
  operations: [operation, { ...operation, operation: "update", gate: null }],
  summary: { create: 0, update: 1, delete: 1, replace: 0, none: 0, held: 1 },
  problems: [problem],
};
const resource: LiveResource = {
  ...operation,
  phase: "failed",
  requestedAt: "2026-01-01T00:00:00Z",
  startedAt: "2026-01-01T00:00:01Z",
  endedAt: "2026-01-01T00:00:02Z",
  outputs: { [evil]: evil },
  secretRefs: { [evil]: `secret://${evil}` },
  failure: { run: evil, step: evil, message: evil, lines: [evil, "```"] },
  advice: { text: evil, command: `innominatus retry ${evil}` },
};
const live: LiveResource = { ...resource, phase: "active", failure: undefined };

const open = openComment(
  { number: 1, base: evil, head: "b".repeat(40), fork: true },
  [
    {
      kind: "planned",
      plan,
      facts: { isSensitive: () => false, isStateful: () => true },
      onto: "c".repeat(40),
      notes: [
        { kind: "settings-edited", file: evil },
        { kind: "also-touched", uid, number: 3 },
      ],
      forecast: { p50Ms: 1_000, p90Ms: 70_000 },
    },
    { kind: "unplanned", environment: evil, why: { kind: "conflict", files: [evil] } },
  ],
  links,
  60_000,
);
const merged = liveComment(
  [{ environment: evil, commit: "d".repeat(40), resources: [resource, live] }],
  links,
  60_000,
);

// As on a forge: raw HTML is let through, and what is no harmless element is taken away there.
const markdown = new MarkdownIt({ html: true, linkify: true });

describe.skipIf(!isThere)("in a browser, a comment", () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  }, 60_000);
  afterAll(() => browser.close());

  const stories = ["github", "gitea", "gitlab"].map((kind) => `story-${kind}.md`);
  const bodies: readonly (readonly [string, () => Promise<string>])[] = [
    ["on an open pull request with hostile names", async () => open],
    ["on a merged pull request with hostile names", async () => merged],
    ...[...stories, "failed.md", "mistakes.md"].map((name) => {
      const path = join(import.meta.dirname, "testdata", name);
      return [`of ${name}`, () => readFile(path, "utf8")] as const;
    }),
  ];

  it.each(bodies)("%s has whole tables, and no HTML but ours", async (name, read) => {
    let asked = 0;
    page.on("request", () => (asked += 1));
    const html = markdown.render(await read());
    await page.setContent(`<style>${style}</style><main>${html}</main>`);
    const seen = seenSchema.parse(await page.evaluate(look));
    const ours =
      "a blockquote br code del details em h2 h3 hr li p pre s strong summary table tbody td th thead tr ul";
    expect(seen.elements.filter((it) => !ours.split(" ").includes(it))).toEqual([]);
    expect(seen.attributes.filter((it) => it !== "href" && it !== "class")).toEqual([]);
    expect(seen.links.filter((it) => !it.startsWith("https://forge.example/"))).toEqual([]);
    expect(seen.uneven).toEqual([]);
    expect(seen.prose).not.toMatch(/(^|[^\w\u200b`])@\w/m);
    expect(seen.prose).not.toMatch(/^\s*\|.*\|\s*$/m);
    expect(asked).toBe(0);
    const folder = join(import.meta.dirname, "../../../build/comments");
    await mkdir(folder, { recursive: true });
    const file = `${name.replaceAll(/[^a-z]+/g, "-")}.png`;
    await page.screenshot({ path: join(folder, file), fullPage: true });
  });
});

const style = `
  main { font: 14px sans-serif; width: 860px; } table { border-collapse: collapse; }
  td, th { border: 1px solid #ccc; padding: 4px 8px; } pre { background: #f4f4f4; padding: 8px; }
  code { background: #f4f4f4; font-size: 12px; }`;

const seenSchema = z.object({
  elements: z.array(z.string()),
  attributes: z.array(z.string()),
  links: z.array(z.string()),
  uneven: z.array(z.string()),
  prose: z.string(),
});

/** Runs in the page, as text: it knows nothing of what is around it here. */
const look = `(() => {
  const all = [...document.querySelectorAll("main *")];
  const tables = [...document.querySelectorAll("main table")];
  const prose = document.querySelector("main").cloneNode(true);
  for (const it of prose.querySelectorAll("code, pre")) it.remove();
  return {
    elements: [...new Set(all.map((it) => it.localName))],
    attributes: [...new Set(all.flatMap((it) => it.getAttributeNames()))],
    links: [...document.querySelectorAll("main a")].map((it) => it.href),
    uneven: tables
      .filter((it) => new Set([...it.rows].map((row) => row.cells.length)).size !== 1)
      .map((it) => it.textContent),
    prose: prose.textContent,
  };
})()`;
