/** The story: a database is asked for, made, used, made larger, and gone with a revert. */
import type { Operation, Plan } from "../model/plan.ts";
import type { Recorded } from "../model/resource.ts";
import { accessTo, connectionLimit, refusalOf, type Access } from "./access.ts";
import { expectEqual } from "./expectation.ts";
import { publishedStatus } from "./published.ts";
import { query } from "./sql.ts";
import type { Stage } from "./stage.ts";
import { statusLines } from "./status-table.ts";

const spec = "apps/shop/score.yaml";
const orders = "postgres.shared#shop.orders";

export async function tellStory(stage: Stage): Promise<void> {
  await stage.narrator.timed("the beginning", () => begin(stage));
  const access = await stage.narrator.timed("1. create", () => askForADatabase(stage));
  await stage.narrator.timed("2. update", () => askForMore(stage, access));
  await stage.narrator.timed("3. delete", () => takeItBack(stage, access));
}

async function begin(stage: Stage): Promise<void> {
  const { narrator, controller } = stage;
  const { plan } = await controller.plan("main");
  narrator.gap();
  narrator.say("It watches the repository, and makes what is on main already:");
  await controller.watch();
  await carriedOut(stage, plan);
}

async function askForADatabase(stage: Stage): Promise<Access> {
  const { narrator, developer } = stage;
  narrator.chapter("1. A merge makes a database");
  await developer.type(["switch", "--create", "orders"]);
  await developer.edit(spec, (it) =>
    it.setIn(["resources", "orders"], {
      type: "postgres",
      class: "shared",
      params: { size: "small" },
    }),
  );
  await developer.type(["commit", "--all", "-m", "Give the shop a database for orders"]);
  const resources = await reviewAndMerge(stage, "orders", "create");

  const access = await accessTo(stage.controller, resources, orders);
  narrator.say(`The shop is given a database and a login, and its password by reference:`);
  narrator.show([`  ${access.login} @ ${access.address}`, `  ${access.reference}`]);
  await ask(stage, access, "create table sold (item text)");
  await ask(stage, access, "insert into sold values ('a red lamp')");
  expectEqual("the row is there", await ask(stage, access, "select item from sold"), [
    { item: "a red lamp" },
  ]);
  narrator.so("connected with the issued credentials, and stored a row");
  return access;
}

async function askForMore(stage: Stage, access: Access): Promise<void> {
  const { narrator, developer } = stage;
  narrator.chapter("2. A merge changes it, and its data stays");
  const before = await connectionLimit(access);
  expectEqual("a small database takes 5 connections", before, 5);
  await developer.type(["switch", "--create", "more-orders"]);
  await developer.edit(spec, (it) => it.setIn(["resources", "orders", "params", "size"], "medium"));
  await developer.type(["commit", "--all", "-m", "Let more of the shop reach its orders"]);
  await reviewAndMerge(stage, "more-orders", "update");

  const after = await connectionLimit(access);
  expectEqual("a medium database takes 20 connections", after, 20);
  narrator.so(`the server lets the shop open ${after} connections; before, it was ${before}`);
  expectEqual("an update keeps the data", await ask(stage, access, "select item from sold"), [
    { item: "a red lamp" },
  ]);
  narrator.so("the row from before is still there");
}

async function takeItBack(stage: Stage, access: Access): Promise<void> {
  const { narrator, developer, controller, server } = stage;
  narrator.chapter("3. A revert deletes it");
  await developer.type(["switch", "--create", "no-orders"]);
  await developer.type(["revert", "--no-edit", "HEAD~2..HEAD"]);
  await reviewAndMerge(stage, "no-orders", "delete");

  const refusal = await refusalOf(access);
  narrator.show([`  ${refusal}`], "red");
  narrator.so("the server refuses the credentials that worked before");
  const left = `select datname as name from pg_database where datname = '${access.database}'
    union all select rolname from pg_roles where rolname = '${access.login}'`;
  expectEqual("nothing is left on the server", await query(server.controllerUrl, left), []);
  narrator.so("it has neither the database nor the login any more");
  const secret = await controller.secretAt(access.reference);
  expectEqual("the password is forgotten", secret === undefined, true);
  narrator.so(`${access.reference} leads nowhere`);
}

/** What a team does with any change: look at what it would do, and merge it. */
async function reviewAndMerge(
  stage: Stage,
  branch: string,
  expected: Operation,
): Promise<readonly Recorded[]> {
  const { narrator, developer, controller } = stage;
  narrator.label(`${spec}:`);
  narrator.diff(await developer.changedLines());
  await developer.type(["push", "origin", branch]);
  narrator.gap();
  narrator.label(`What innominatus would do, were ${branch} merged:`);
  const { plan, facts, comment } = await controller.plan(branch);
  narrator.plan(plan, facts);
  expectEqual(`the plan is to ${expected} what the branch asks for`, operationsOf(plan), {
    [orders]: expected,
  });
  narrator.gap();
  narrator.label("On a forge, the pull request has one comment, which says now:");
  narrator.quote(comment);
  narrator.gap();
  await developer.type(
    ["switch", "main"],
    ["merge", "--ff-only", branch],
    ["push", "origin", "main"],
  );
  const resources = await carriedOut(stage, plan);
  narrator.label("And the same comment, now that it is done:");
  narrator.quote(await controller.commentAfter(plan));
  narrator.gap();
  return resources;
}

const operationsOf = ({ operations }: Plan): Record<string, Operation> =>
  Object.fromEntries(
    operations.filter((it) => it.operation !== "none").map((it) => [it.uid, it.operation]),
  );

/** The controller has seen the merge by itself; the status branch says what came of it. */
async function carriedOut(stage: Stage, plan: Plan): Promise<readonly Recorded[]> {
  const { narrator, controller } = stage;
  const resources = await controller.done(plan, narrator.progress());
  const rows = await publishedStatus(stage, plan.commit, resources);
  narrator.gap();
  narrator.label("README.md on the branch innominatus/status:");
  narrator.table(statusLines(rows));
  narrator.gap();
  return resources;
}

async function ask({ narrator }: Stage, { url }: Access, statement: string) {
  const rows = await query(url, statement);
  narrator.command(statement, "sql>");
  for (const row of rows)
    narrator.show(Object.values(row).map((it) => `     ${JSON.stringify(it)}`));
  return rows;
}
