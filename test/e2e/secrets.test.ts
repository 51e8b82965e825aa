/** Law 7: secrets never leave. One value is made, and looked for in everything that anybody can read. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { factsOf } from "../../src/controller/facts.ts";
import { logText, resourceJson, runListing } from "../../src/cli/output/records.ts";
import { whyJson, whyText } from "../../src/cli/output/why.ts";
import { vaultOn } from "../../src/controller/services.ts";
import { StallingError } from "../../src/model/errors.ts";
import type { Uid } from "../../src/model/uid.ts";
import { planJson } from "../../src/plan/render/json.ts";
import { planMarkdown } from "../../src/plan/render/markdown.ts";
import { plain } from "../../src/plan/render/painter.ts";
import { planText } from "../../src/plan/render/text.ts";
import { listLogs } from "../../src/store/steps.ts";
import type { Platform } from "../support/platform.ts";
import { statusBranch } from "../support/platform.ts";
import { onEachStore } from "./stores.ts";
import { spec, specPath, thingsProvider } from "./things.ts";

const db: Uid = "thing.default#shop.db";
const app: Uid = "thing.default#shop.app";

const tableRow = z.object({ table_name: z.string() });

/** Every row of every table, and every byte that is not sealed, as text. */
async function databaseText({ db: database }: Platform): Promise<string> {
  const { rows } = await database.query(
    `select table_name from information_schema.tables where table_schema = 'public'`,
  );
  const parts: string[] = [];
  for (const { table_name: table } of rows.map((it) => tableRow.parse(it))) {
    const found = await database.query(`select t::text as line from "${table}" t`);
    parts.push(`${table}: ${JSON.stringify(found.rows)}`);
  }
  return parts.join("\n");
}

async function statusText({ origin }: Platform): Promise<string> {
  return origin.git(["log", "-p", "--root", "--format=%B", statusBranch]);
}

async function shownText(platform: Platform): Promise<string> {
  const { plan, input } = await platform.look();
  const facts = factsOf(input.desired, input.recorded);
  const now = new Date();
  const runs = await platform.runs();
  const logs = await Promise.all(runs.map((it) => listLogs(platform.db, it.id)));
  const explained = await Promise.all([db, app].map((it) => platform.why(it)));
  return [
    JSON.stringify(planJson(plan, facts)),
    planText(plan, facts, plain),
    planMarkdown(plan, facts),
    JSON.stringify((await platform.resources()).map(resourceJson)),
    JSON.stringify(runs.map((it) => runListing(now).json(it))),
    ...explained.flatMap((it) => [JSON.stringify(whyJson(it)), whyText(it, now, plain)]),
    ...logs.flat().map((it) => logText(it)),
  ].join("\n");
}

async function scratchText({ root }: Platform): Promise<string> {
  const files = await readdir(join(root, "scratch"), { recursive: true, withFileTypes: true });
  const texts = files
    .filter((it) => it.isFile())
    .map((it) => readFile(join(it.parentPath, it.name), "utf8"));
  return (await Promise.all(texts)).join("\n");
}

/** The value as it is, and as it might have been written on the way. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [
    value,
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("hex"),
    // In the middle of something longer, base64 begins at any of three places.
    Buffer.from(`a${value}`).toString("base64").slice(2, -4),
    Buffer.from(`ab${value}`).toString("base64").slice(3, -4),
  ];
}

onEachStore((open) => {
  it("law 7: a generated value is in no place that anybody reads", async () => {
    const loud = (root: string) => {
      const files = { ...thingsProvider(root) };
      const path = "providers/things/create.yaml";
      const noisy = [
        'echo \\"token is $PARAM_TOKEN\\"',
        'echo \\"token is $PARAM_TOKEN\\" >&2',
        'printf %s \\"$PARAM_TOKEN\\" | base64 -w0; echo',
        'if [ -e \\"ROOT/fail/loud-$name\\" ]; then echo \\"cannot use $PARAM_TOKEN\\" >&2; exit 1; fi',
      ].join("\\n");
      const before = z.string().parse(files[path]);
      const content = before.replace(
        '\\necho \\"create $name',
        `\\n${noisy.replace("ROOT", root)}\\necho \\"create $name`,
      );
      expect(content).not.toBe(files[path]);
      return { ...files, [path]: content };
    };
    const params = { token: "${resources.db.password}", peer: "${resources.db.host}" };
    const platform = await open(
      { [specPath("shop")]: spec("shop", { db: {}, app: { params } }) },
      loud,
    );
    await platform.put("fail", "loud-shop.app");
    expect((await platform.sync()).outcome).toBe("failed");
    const inTheMiddle = await shownText(platform);
    await platform.take("fail", "loud-shop.app");
    expect((await platform.sync()).outcome).toBe("settled");

    const { services, scope } = platform;
    const vault = vaultOn(services.sealer, platform.db);
    const values: string[] = [];
    for (const uid of [db, app]) {
      const value = await vault.get({ ...scope, uid, key: "password" });
      if (value === undefined) throw new Error(`${uid} has no password`);
      values.push(value);
    }
    // It did get to where it was meant for, and what was said around it is there.
    const made = await readFile(join(platform.root, "things/shop.app"), "utf8");
    expect(made).toContain(values[0]);
    await platform.origin.commit({
      [specPath("shop")]: spec("shop", { db: {}, app: { params: { ...params, size: "large" } } }),
    });
    const planned = await shownText(platform);
    await platform.sync();

    const sinks = {
      database: await databaseText(platform),
      status: await statusText(platform),
      shown: [inTheMiddle, planned, await shownText(platform)].join("\n"),
      logged: platform.logged.join("\n"),
      scratch: await scratchText(platform),
    };
    expect(sinks.shown).toContain("token is ");
    expect(sinks.shown).toContain("cannot use ");
    expect(sinks.database).toContain("cannot use ");
    expect(sinks.status).toContain("secret://default/shop/db/password");
    for (const [sink, text] of Object.entries(sinks)) {
      for (const form of values.flatMap(formsOf)) {
        expect(text.includes(form), `${form} in ${sink}`).toBe(false);
      }
    }
  });

  it("law 7: what is sealed opens in no other row", async () => {
    const platform = await open({ [specPath("shop")]: spec("shop", { db: {}, app: {} }) });
    await platform.sync();
    const { services, scope } = platform;
    await platform.db.query(
      `update secrets set sealed = (select sealed from secrets where repository = $1 and uid = $2)
       where repository = $1 and uid = $3`,
      [scope.repository, db, app],
    );
    const vault = vaultOn(services.sealer, platform.db);
    await expect(vault.get({ ...scope, uid: app, key: "password" })).rejects.toThrow(StallingError);
  });
});
