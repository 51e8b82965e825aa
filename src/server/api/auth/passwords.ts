/** Password hashes: scrypt (RFC 7914), as `scrypt$N$r$p$salt$hash`, compared in constant time. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

export interface Passwords {
  hash(password: string): Promise<string>;
  /** The same work for `undefined` (a user that nobody knows) as for a wrong password. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

const cost = { N: 32_768, r: 8, p: 1 };
const length = 32;
/** Of what is hashed on behalf of a user that is not there. */
const nobody = `scrypt$${cost.N}$${cost.r}$${cost.p}$${Buffer.alloc(16).toString("base64url")}$${Buffer.alloc(length).toString("base64url")}`;

type Derive = (
  password: string,
  salt: Buffer,
  size: number,
  cost: { readonly N: number; readonly r: number; readonly p: number },
) => Promise<Buffer>;

/** @param derive replaced by tests, to count and to be quick */
export function createPasswords(derive: Derive = deriveByScrypt): Passwords {
  return {
    async hash(password) {
      const salt = randomBytes(16);
      const key = await derive(password.normalize("NFKC"), salt, length, cost);
      const { N, r, p } = cost;
      return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
    },
    async verify(password, hash) {
      const known = parseHash(hash ?? nobody) ?? parseHash(nobody);
      if (known === undefined) return false;
      const { salt, key, ...given } = known;
      const found = await derive(password.normalize("NFKC"), salt, key.length, given);
      return timingSafeEqual(found, key) && hash !== undefined && parseHash(hash) !== undefined;
    },
  };
}

function parseHash(text: string) {
  const match = /^scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,})\$([\w-]{32,})$/.exec(text);
  if (match === null) return undefined;
  const [N = 0, r = 0, p = 0] = match.slice(1, 4).map(Number);
  const isPowerOf2 = N > 1 && (N & (N - 1)) === 0;
  // A hash of somebody's own making must not take all of the memory.
  if (!isPowerOf2 || N > 2 ** 20 || r < 1 || r > 32 || p < 1 || p > 16) return undefined;
  const [salt = "", key = ""] = match.slice(4);
  return { N, r, p, salt: Buffer.from(salt, "base64url"), key: Buffer.from(key, "base64url") };
}

const deriveByScrypt: Derive = (password, salt, size, { N, r, p }) =>
  new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: 256 * N * r };
    scrypt(password, salt, size, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
