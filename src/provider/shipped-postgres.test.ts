/** The shared database's workflows on a real server, as a superuser and as one who may only create. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createTestPostgres } from "../../test/support/database.ts";
import { readFolder } from "../../test/support/provider-files.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Workflow, WorkflowOperation } from "../model/workflow.ts";
import { parseTemplate } from "../template/parse.ts";
import { renderTemplate } from "../template/render.ts";
import { buildCatalog } from "./catalog.ts";
import { engineInputs } from "./engine-inputs.ts";
import { bindParameters } from "./parameters.ts";
import { resolve } from "./resolve.ts";

const sqlConfig = z.object({
  statements: z.array(z.object({ sql: z.string(), unless: z.string().optional() })),
  outputs: z.object({ query: z.string() }).optional(),
});

const { provider } = readFolder("providers", "database-team/provider.yaml", "shipped");
const resolution = resolve(buildCatalog(provider ? [provider] : []).catalog, "postgres", "shared");

const render = (text: string, data: JsonRecord, context: "plain" | "sql"): string => {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(text);
  return renderTemplate(parsed.template, data, context);
};

/** As the engine does, but for all that makes it safe: steps in order, then the outputs. */
async function run(
  client: pg.Client,
  workflow: Workflow,
  parameters: JsonRecord,
): Promise<Record<string, string>> {
  const steps: Record<string, JsonRecord> = {};
  for (const step of workflow.steps) {
    const data = { parameters, steps };
    if (step.type === "secret") {
      steps[step.name] = { output: { value: "A0".repeat(16) } };
      continue;
    }
    const { statements, outputs } = sqlConfig.parse(step.config);
    for (const { sql, unless } of statements) {
      const guard =
        unless === undefined ? 0 : (await client.query(render(unless, data, "sql"))).rows.length;
      if (guard === 0) await client.query(render(sql, data, "sql"));
    }
    const found = outputs && (await client.query(render(outputs.query, data, "sql")));
    const [columns] = z.array(z.record(z.string(), z.string())).parse(found?.rows ?? []);
    steps[step.name] = { output: { host: client.host, port: client.port, ...columns } };
  }
  return Object.fromEntries(
    Object.entries(workflow.outputs).map(([name, { template }]) => {
      return [name, render(template, { parameters, steps }, "plain")];
    }),
  );
}

const count = z.object({ count: z.coerce.number() });

describe.each(["superuser", "creator"])("the shared database, made by a %s", (kind) => {
  const admin = `admin_${randomUUID().replaceAll("-", "")}`;
  let server: Awaited<ReturnType<typeof createTestPostgres>>;
  let owner: pg.Client;
  let client: pg.Client;
  beforeAll(async () => {
    server = await createTestPostgres("template0");
    owner = new pg.Client(server.url);
    await owner.connect();
    const rights = kind === "superuser" ? "superuser" : "createdb createrole";
    await owner.query(`create role ${admin} login password 'admin' ${rights}`);
    const url = new URL(server.url);
    [url.username, url.password] = [admin, "admin"];
    client = new pg.Client(url.href);
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await owner.query(`drop role ${admin}`);
    await owner.end();
    await server.remove();
  });

  const engine = engineInputs({
    uid: "postgres.shared#shop.db",
    workload: "shop",
    identity: "shop",
    name: "db",
    type: "postgres",
    class: "shared",
    repository: randomUUID(),
    environment: "production",
  });
  const perform = (operation: WorkflowOperation, params: JsonRecord = {}) => {
    const workflow = resolution.ok ? resolution.bundle.workflows[operation] : undefined;
    if (workflow === undefined) throw new Error(operation);
    const { values, faults } = bindParameters(workflow, { engine, params, outputs: {} });
    expect(faults).toEqual([]);
    return run(client, workflow, values);
  };
  const limits = async () => {
    const { rows } = await owner.query(
      `select rolconnlimit as "role", datconnlimit as "database" from pg_roles, pg_database
       where rolname = $1 and datname = $1`,
      [engine["unique_name"]],
    );
    const list: unknown[] = rows;
    return list[0];
  };
  const leftovers = async () => {
    const { rows } = await owner.query(
      `select (select count(*) from pg_roles where rolname = $1)
            + (select count(*) from pg_database where datname = $1) as count`,
      [engine["unique_name"]],
    );
    return count.parse(rows[0]).count;
  };

  it("is created, created again, changed, and deleted under an open connection, and again", async () => {
    expect(await perform("observe")).toEqual({ exists: "false" });

    const first = await perform("create");
    const outputs = await perform("create");
    expect(outputs).toEqual(first);
    expect(await perform("observe")).toEqual({ exists: "true" });
    expect(await limits()).toEqual({ role: 5, database: 5 });

    const user = new pg.Client(outputs["connection_string"]);
    const ended = new Promise((done) => user.on("error", done));
    await user.connect();
    await user.query("create table kept (id int); insert into kept values (7)");

    await perform("update", { size: "large" });
    expect(await limits()).toEqual({ role: 100, database: 100 });
    await perform("update", { size: "medium" });
    expect(await limits()).toEqual({ role: 20, database: 20 });
    expect((await user.query("select id from kept")).rows).toEqual([{ id: 7 }]);

    await perform("delete");
    await ended;
    expect(await leftovers()).toBe(0);
    expect(await perform("observe")).toEqual({ exists: "false" });
    await perform("delete");
    await expect(new pg.Client(outputs["connection_string"]).connect()).rejects.toThrow(
      /does not exist|authentication/,
    );
  });

  it("is out of reach for another resource's role", async () => {
    const outputs = await perform("create", { size: "medium" });
    const other = `other_${randomUUID().replaceAll("-", "")}`;
    await owner.query(`create role ${other} login password 'x'`);
    const url = new URL(outputs["connection_string"] ?? "");
    [url.username, url.password] = [other, "x"];
    await expect(new pg.Client(url.href).connect()).rejects.toThrow(/permission denied/);
    await owner.query(`drop role ${other}`);
    await perform("delete");
  });
});
