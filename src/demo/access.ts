/** What an app is given to reach its database with, and what it meets there. */
import pg from "pg";
import { z } from "zod";
import type { Recorded } from "../model/resource.ts";
import type { DemoController } from "./controller.ts";
import { unexpected } from "./expectation.ts";
import { query } from "./sql.ts";

export interface Access {
  /** Host and port. */
  readonly address: string;
  readonly database: string;
  readonly login: string;
  /** To the password. */
  readonly reference: string;
  /** Secret: with the password. */
  readonly url: string;
}

const outputs = z.object({
  host: z.string(),
  port: z.coerce.number(),
  database_name: z.string(),
  username: z.string(),
});
const references = z.object({ password: z.string() });

/** From the outputs of the resource `uid`, and from the vault. */
export async function accessTo(
  controller: Pick<DemoController, "secretAt">,
  resources: readonly Recorded[],
  uid: string,
): Promise<Access> {
  const resource = resources.find((it) => it.uid === uid);
  if (resource === undefined) throw unexpected(`${uid} is recorded`, uid, undefined);
  const { host, port, database_name: database, username: login } = outputs.parse(resource.outputs);
  const reference = references.parse(resource.secretRefs).password;
  const password = await controller.secretAt(reference);
  if (password === undefined) throw unexpected(`${reference} leads to a value`, "one", undefined);
  const address = `${host}:${port}`;
  const url = `postgresql://${login}:${encodeURIComponent(password)}@${address}/${database}`;
  return { address, database, login, reference, url };
}

const limits = z.tuple([z.object({ role: z.number(), database: z.number() })]);

/** As the server has it, of the login and of the database: one number. */
export async function connectionLimit({ url }: Access): Promise<number> {
  const found = await query(
    url,
    `select rolconnlimit as role, datconnlimit as database from pg_roles, pg_database
     where rolname = current_user and datname = current_database()`,
  );
  const [{ role, database }] = limits.parse(found);
  if (role !== database) throw unexpected("login and database have one limit", role, database);
  return role;
}

/** Why the server does not let `access` in. @throws {CommandError} if it does */
export async function refusalOf({ url, login }: Access): Promise<string> {
  try {
    await query(url, "select");
  } catch (error) {
    // 28P01: it knows no such login with such a password.
    if (error instanceof pg.DatabaseError && error.code === "28P01") {
      return `${error.severity ?? "FATAL"}: ${error.message}`;
    }
    throw error;
  }
  throw unexpected("the credentials are worthless", "a refusal", `${login} is let in`);
}
