import { expect, it } from "vitest";
import { createPasswords } from "./passwords.ts";

const passwords = createPasswords();

it("verifies a password against its hash, and no other, each hash with a salt of its own", async () => {
  const [one, two] = await Promise.all([passwords.hash("s3cret"), passwords.hash("s3cret")]);
  expect(one).toMatch(/^scrypt\$32768\$8\$1\$/);
  expect(one).not.toBe(two);
  expect(await passwords.verify("s3cret", one)).toBe(true);
  expect(await passwords.verify("s3cret ", one)).toBe(false);
  expect(await passwords.verify("", one)).toBe(false);
});

it("takes a password as it is typed on any keyboard", async () => {
  const hash = await passwords.hash("Z\u00fcrich");
  expect(await passwords.verify("Zu\u0308rich", hash)).toBe(true);
});

it("verifies nothing for a user who is not there, or whose hash is none", async () => {
  expect(await passwords.verify("", undefined)).toBe(false);
  for (const hash of ["", "plaintext", "scrypt$3$8$1$AAAAAAAAAAAAAAAAAAAAAA$x", "$2b$10$abc"]) {
    expect(await passwords.verify("plaintext", hash)).toBe(false);
  }
});

it("does as much work for whoever is not there as for whoever is", async () => {
  const asked: unknown[] = [];
  const counted = createPasswords(async (_, salt, size, cost) => {
    asked.push([salt.length, size, cost.N, cost.r, cost.p]);
    return Buffer.alloc(size);
  });
  await counted.verify("x", await counted.hash("y"));
  await counted.verify("x", undefined);
  expect(asked[1]).toEqual(asked[2]);
});
