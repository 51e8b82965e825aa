/** Sealed secret values: opaque here, and read by nobody but the vault (law 7). */
import { z } from "zod";
import type { Scope, Uid } from "../model/uid.ts";
import type { Queryable } from "./database.ts";

interface Address extends Scope {
  readonly uid: Uid;
  readonly key: string;
}

interface Sealed {
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** What the vault needs, by its own interface (secrets/vault.ts). */
export interface SecretRows {
  read(address: Address): Promise<Sealed | undefined>;
  write(address: Address, secret: Sealed, replaces: number): Promise<boolean>;
  keys(scope: Scope, uid: Uid): Promise<readonly string[]>;
  remove(address: Address): Promise<void>;
}

const row = z.object({ version: z.number(), sealed: z.instanceof(Uint8Array) });
const keyRow = z.object({ key: z.string() });

const at = `repository = $1 and environment = $2 and uid = $3 and key = $4`;
const keysOf = ({ repository, environment, uid, key }: Address) => [
  repository,
  environment,
  uid,
  key,
];

export function secretRows(db: Queryable): SecretRows {
  return {
    async read(address) {
      const { rows } = await db.query(
        `select version, sealed from secrets where ${at}`,
        keysOf(address),
      );
      return rows[0] === undefined ? undefined : row.parse(rows[0]);
    },
    async write(address, { version, sealed }, replaces) {
      const { rows } = await db.query(
        replaces === 0
          ? `insert into secrets (repository, environment, uid, key, version, sealed)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning key`
          : `update secrets set version = $5, sealed = $6 where ${at} and version = $7 returning key`,
        [...keysOf(address), version, sealed, ...(replaces === 0 ? [] : [replaces])],
      );
      return rows.length > 0;
    },
    async keys({ repository, environment }, uid) {
      const { rows } = await db.query(
        `select key from secrets where repository = $1 and environment = $2 and uid = $3 order by key`,
        [repository, environment, uid],
      );
      return rows.map((it) => keyRow.parse(it).key);
    },
    async remove(address) {
      await db.query(`delete from secrets where ${at}`, keysOf(address));
    },
  };
}

/** What steps remember over the runs of a resource, under keys that begin with the resource's prefix. */
export interface MemoryRows {
  read(key: string): Promise<Uint8Array | undefined>;
  /** Keeps what is there already. */
  add(key: string, sealed: Uint8Array): Promise<void>;
  forget(prefix: string): Promise<void>;
}

const sealedRow = z.object({ sealed: z.instanceof(Uint8Array) });

/** Of each kind the one that was sealed last, as far as it is cheap to tell: for who tries their keys. */
export async function sealedSamples(db: Queryable): Promise<readonly Uint8Array[]> {
  const { rows } = await db.query(
    `(select sealed from secrets order by created_at desc limit 1)
     union all (select sealed from step_memory order by created_at desc limit 1)
     union all (select sealed from steps where sealed is not null limit 1)`,
  );
  return rows.map((it) => sealedRow.parse(it).sealed);
}

export function memoryRows(db: Queryable): MemoryRows {
  return {
    async read(key) {
      const { rows } = await db.query(`select sealed from step_memory where key = $1`, [key]);
      return rows[0] === undefined ? undefined : sealedRow.parse(rows[0]).sealed;
    },
    async add(key, sealed) {
      await db.query(
        `insert into step_memory (key, sealed) values ($1, $2) on conflict do nothing`,
        [key, sealed],
      );
    },
    async forget(prefix) {
      await db.query(`delete from step_memory where starts_with(key, $1)`, [prefix]);
    },
  };
}
