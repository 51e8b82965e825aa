/** The encrypted store of secret values, by resource and key (law 7; DESIGN.md §5). */
import type { Scope, Uid } from "../model/uid.ts";
import type { Sealer } from "./seal.ts";

const largestBytes = 1024 * 1024;

export interface SecretAddress extends Scope {
  readonly uid: Uid;
  readonly key: string;
}

export interface SealedSecret {
  /** From 1; grows with every change of the value. */
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** What the vault needs of the store. */
export interface VaultRows {
  read(address: SecretAddress): Promise<SealedSecret | undefined>;
  /**
   * Writes `secret` in place of version `replaces`; 0 where there is to be none.
   *
   * @returns false, and nothing is written, where another version is stored
   */
  write(address: SecretAddress, secret: SealedSecret, replaces: number): Promise<boolean>;
  /** Keys of a resource's secrets, sorted. */
  keys(scope: Scope, uid: Uid): Promise<readonly string[]>;
  /** Removing what is not there is fine. */
  remove(address: SecretAddress): Promise<void>;
}

export interface Vault {
  /** @returns the version: a new one where the value is new, the stored one where it is the same */
  put(address: SecretAddress, value: string): Promise<number>;
  get(address: SecretAddress): Promise<string | undefined>;
  has(address: SecretAddress): Promise<boolean>;
  keys(scope: Scope, uid: Uid): Promise<readonly string[]>;
  delete(address: SecretAddress): Promise<void>;
}

export function createVault(sealer: Sealer, rows: VaultRows): Vault {
  return {
    async put(address, value) {
      refuseUnstorable(address, value);
      for (;;) {
        const stored = await rows.read(address);
        const isSame =
          stored !== undefined && sealer.open(stored.sealed, contextOf(address)) === value;
        if (isSame && sealer.isCurrent(stored.sealed)) return stored.version;
        const replaces = stored?.version ?? 0;
        const version = isSame ? replaces : replaces + 1;
        const sealed = sealer.seal(value, contextOf(address));
        if (await rows.write(address, { version, sealed }, replaces)) return version;
      }
    },

    async get(address) {
      const stored = await rows.read(address);
      return stored && sealer.open(stored.sealed, contextOf(address));
    },

    has: async (address) => (await rows.read(address)) !== undefined,
    keys: (scope, uid) => rows.keys(scope, uid),
    delete: (address) => rows.remove(address),
  };
}

/** A JSON list, as any of the parts may hold any separator. */
const contextOf = ({ repository, environment, uid, key }: SecretAddress): string =>
  JSON.stringify(["secret", repository, environment, uid, key]);

function refuseUnstorable({ uid, key }: SecretAddress, value: string): void {
  const bytes = Buffer.from(value, "utf8");
  if (bytes.length > largestBytes) {
    throw new RangeError(
      `secret ${key} of ${uid} has ${bytes.length} bytes: the store takes ${largestBytes} at most`,
    );
  }
  if (bytes.toString("utf8") !== value) {
    throw new RangeError(`secret ${key} of ${uid} is not valid Unicode: encode it, as base64 say`);
  }
}
