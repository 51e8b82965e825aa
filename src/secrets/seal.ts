/**
 * Encrypts values for the store: AES-256-GCM, bound to the place they are stored at, so that a sealed
 * value copied to another row does not open there.
 *
 *     version (1 byte) | key id (8) | nonce (12) | tag (16) | ciphertext
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { StallingError } from "../model/errors.ts";

const version = 1;
const headerLength = 9;
const nonceLength = 12;
const tagLength = 16;
const shortest = headerLength + nonceLength + tagLength;

export interface Sealer {
  /** With the first key. `context` says where it is stored; opening needs the same. */
  seal(plaintext: string, context: string): Uint8Array;
  /** With whichever key it was sealed with. @throws {StallingError} */
  open(sealed: Uint8Array, context: string): string;
  /** @throws {StallingError} when it was sealed with none of the keys */
  expectKeyOf(sealed: Uint8Array): void;
  /** Whether it is sealed with the first key: if not, sealing it again completes a rotation. */
  isCurrent(sealed: Uint8Array): boolean;
}

/** @param keys of 32 bytes each: the first seals, all open */
export function createSealer(keys: readonly Uint8Array[]): Sealer {
  const byId = new Map(keys.map((key) => [keyId(key), checked(key)]));
  const [first] = keys;
  if (first === undefined) throw new RangeError("sealing needs a key");
  const currentId = keyId(first);

  return {
    seal(plaintext, context) {
      const header = Buffer.concat([Buffer.of(version), Buffer.from(currentId, "hex")]);
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv("aes-256-gcm", first, nonce, { authTagLength: tagLength });
      cipher.setAAD(boundTo(header, context));
      const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
      return new Uint8Array(Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext]));
    },

    open(sealed, context) {
      const bytes = Buffer.from(sealed);
      if (bytes.length < shortest || bytes[0] !== version) throw unreadableError();
      const id = idOf(bytes);
      const key = byId.get(id);
      if (key === undefined) throw keyMissingError(id);
      const nonceEnd = headerLength + nonceLength;
      const nonce = bytes.subarray(headerLength, nonceEnd);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
      decipher.setAAD(boundTo(bytes.subarray(0, headerLength), context));
      decipher.setAuthTag(bytes.subarray(nonceEnd, shortest));
      try {
        const head = decipher.update(bytes.subarray(shortest));
        return Buffer.concat([head, decipher.final()]).toString("utf8");
      } catch {
        throw unreadableError();
      }
    },

    expectKeyOf(sealed) {
      const id = idOf(Buffer.from(sealed));
      if (!byId.has(id)) throw keyMissingError(id);
    },

    isCurrent: (sealed) => sealed.length >= shortest && idOf(Buffer.from(sealed)) === currentId,
  };
}

const boundTo = (header: Uint8Array, context: string): Buffer =>
  Buffer.concat([header, Buffer.from(context, "utf8")]);

const idOf = (bytes: Buffer): string => bytes.subarray(1, headerLength).toString("hex");

/** Tells keys apart without telling anything about them. */
const keyId = (key: Uint8Array): string =>
  createHash("sha256").update("innominatus key id\0").update(key).digest("hex").slice(0, 16);

function checked(key: Uint8Array): Uint8Array {
  if (key.length !== 32) throw new RangeError(`a key of ${key.length} bytes: expected 32`);
  return key;
}

const keyMissingError = (id: string) =>
  new StallingError(
    "EncryptionKeyMissing",
    `a stored secret is sealed with key ${id}, which is not configured`,
    "add the key it was sealed with to INNOMINATUS_ENCRYPTION_KEY, after the one in use, or restore the key file",
  );

const unreadableError = () =>
  new StallingError(
    "SecretUnreadable",
    "a stored secret does not open: it was changed, or belongs to another place",
    "restore the secrets table from a backup, or create the resource's credentials again",
  );
