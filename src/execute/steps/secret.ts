/**
 * Step type `secret`: a value made once and remembered from then on, over restarts and over further
 * runs for the same resource, or per run with `rotate`. It is remembered before it is used.
 */
import { z } from "zod";
import type { Scope, Uid } from "../../model/uid.ts";
import { defineStep, type StepContext, type StepExecutor } from "../step-type.ts";

export interface SecretMemory {
  get(key: string): Promise<string | undefined>;
  /** Keeps the value that is there already, if any. Durable when it returns. */
  put(key: string, value: string): Promise<void>;
}

export interface SecretTools {
  readonly randomBytes: (size: number) => Uint8Array;
  readonly secretMemory: SecretMemory;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const alphabets = {
  alphanumeric: `${letters}0123456789`,
  hex: "0123456789abcdef",
  base64url: `${letters}0123456789-_`,
} as const;

const schema = z.strictObject({
  length: z.coerce.number().int().min(8).max(1_024).default(32),
  alphabet: z.enum(["alphanumeric", "hex", "base64url"]).default("alphanumeric"),
  /** The characters to take, in place of an alphabet. */
  charset: z
    .string()
    .regex(/^[\x20-\x7e]{2,95}$/, "expected 2 to 95 printable ASCII characters")
    .refine((it) => new Set(it).size === it.length, "expected each character once")
    .optional(),
  prefix: z.string().max(64).default(""),
  rotate: z.boolean().default(false),
});

export function createSecret({ randomBytes, secretMemory }: SecretTools): StepExecutor {
  return defineStep({
    type: "secret",
    schema,
    contexts: {},
    run: async ({ length, alphabet, charset, prefix, rotate }, context) => {
      const key = memoryKey(context, rotate);
      const known = await secretMemory.get(key);
      if (known !== undefined) return secret(known);
      const characters = charset ?? alphabets[alphabet];
      await secretMemory.put(key, prefix + pick(characters, length, randomBytes));
      const kept = await secretMemory.get(key);
      if (kept === undefined)
        throw new Error("the secret store does not give back what it was given");
      return secret(kept);
    },
    // Making it again gives the same value.
    observe: async () => ({ state: "absent" }),
  });
}

const secret = (value: string) => ({ outputs: { value }, sensitive: ["value"] });

/** Every secret remembered for a resource has a key that begins so. */
export const memoryPrefix = ({ repository, environment }: Scope, uid: Uid): string =>
  `${[repository, environment, uid].map(encodeURIComponent).join("/")}/`;

function memoryKey({ scope, uid, run, name }: StepContext, rotate: boolean): string {
  const parts = rotate ? [name, run] : [name];
  return memoryPrefix(scope, uid) + parts.map(encodeURIComponent).join("/");
}

/** Each character is equally likely: bytes beyond the last whole multiple of the alphabet are dropped. */
export function pick(
  alphabet: string,
  length: number,
  randomBytes: (size: number) => Uint8Array,
): string {
  const fair = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < fair) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}
