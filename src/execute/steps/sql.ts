/**
 * Step type `sql`: statements on a database server that the controller's settings name. Each commits
 * by itself, because CREATE DATABASE takes no transaction; `unless` makes repeating one harmless.
 */
import { z } from "zod";
import { duration } from "../config-fields.ts";
import {
  findConnection,
  publicAddress,
  withSession,
  type Connections,
  type SqlSession,
} from "../sql-session.ts";
import { defineStep, type StepExecutor } from "../step-type.ts";

export interface SqlTools {
  readonly connections: Connections;
}

const statement = z.union([
  z
    .string()
    .min(1)
    .transform((sql) => ({ sql, unless: undefined })),
  z.strictObject({
    sql: z.string().min(1),
    /** A query; the statement is left out when it gives a row. */
    unless: z.string().min(1).optional(),
  }),
]);

const schema = z.strictObject({
  connection: z.string().min(1),
  database: z.string().min(1).optional(),
  statements: z.array(statement).default([]),
  statementTimeout: duration.default(60_000),
  /** The columns of the query's first row become outputs. */
  outputs: z.strictObject({ query: z.string().min(1) }).optional(),
});

/** Outputs `host` and `port` of the server, and what `outputs.query` gives. */
export function createSql({ connections }: SqlTools): StepExecutor {
  return defineStep({
    type: "sql",
    schema,
    contexts: { "/statements": "sql", "/outputs": "sql" },
    run: async (config, { log, signal }) => {
      const { connection, database, statements, statementTimeout, outputs } = config;
      const target = { connection, database, statementTimeoutMs: statementTimeout };
      const row = await withSession(connections, target, signal, async (session) => {
        for (const [index, it] of statements.entries()) {
          const name = `statement ${index + 1} of ${statements.length}`;
          log(`${name}: ${(await perform(session, name, it)) ? "done" : "not needed"}\n`);
        }
        if (outputs === undefined) return {};
        const [first] = await session.query(outputs.query, "the outputs' query");
        return first ?? {};
      });
      const address = publicAddress(findConnection(connections, connection));
      return { outputs: { ...address, ...row }, sensitive: [] };
    },
  });
}

/** @returns whether the statement was needed */
async function perform(
  session: SqlSession,
  name: string,
  { sql, unless }: z.infer<typeof statement>,
): Promise<boolean> {
  if (unless !== undefined) {
    const rows = await session.query(unless, `${name}, its \`unless\``);
    if (rows.length > 0) return false;
  }
  await session.query(sql, name);
  return true;
}
