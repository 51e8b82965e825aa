import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openTestApi, type TestApi } from "../../../../test/support/api.ts";
import { openTestDatabase } from "../../../../test/support/database.ts";
import type { ApiSettings } from "../../../settings/api.ts";
import type { Database } from "../../../store/database.ts";
import { ensureAdministrator, findAccount } from "./accounts.ts";

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDatabase("embedded");
  api = await openTestApi(db);
}, 60_000);
afterAll(() => db.close());
beforeEach(() => db.query("truncate api_users"));

const ensure = (more: Partial<ApiSettings>, generated = "generated") => {
  const { settings, passwords } = api.services;
  return ensureAdministrator(db, { ...settings, users: [], ...more }, passwords, () => generated);
};
const proves = async (password: string): Promise<boolean> => {
  const { settings, passwords } = api.services;
  const account = await findAccount(db, { ...settings, users: [] }, "admin");
  return passwords.verify(password, account?.passwordHash);
};

it("tells a generated password on the first start, and on no other", async () => {
  expect(await ensure({}, "first")).toBe("first");
  expect(await ensure({}, "second")).toBeUndefined();
  expect([await proves("first"), await proves("second")]).toEqual([true, false]);
});

it("tells it once, where two controllers start together", async () => {
  const told = await Promise.all([ensure({}, "one"), ensure({}, "two")]);
  const [password = "", ...others] = told.filter((it) => it !== undefined);
  expect(others).toEqual([]);
  expect(await proves(password)).toBe(true);
});

it("makes nobody where the settings have users", async () => {
  expect(await ensure({ users: api.services.settings.users })).toBeUndefined();
  expect(await proves("generated")).toBe(false);
});

it("takes the password of the settings, also in place of an older one", async () => {
  await ensure({}, "older");
  expect(await ensure({ adminPassword: "chosen" })).toBeUndefined();
  expect([await proves("older"), await proves("chosen")]).toEqual([false, true]);
});
