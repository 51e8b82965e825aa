import fc from "fast-check";
import { expect, it, test } from "vitest";
import {
  formatReference,
  parseReference,
  referenceFor,
  type SecretReference,
} from "./reference.ts";

const scope = { repository: "r", environment: "production" };

it("points to a workload's resource, or to a shared one", () => {
  expect(referenceFor(scope, "postgres.default#shop.db", "password")).toBe(
    "secret://production/shop/db/password",
  );
  expect(referenceFor(scope, "postgres.large#main", "password")).toBe(
    "secret://production/shared/postgres.large.main/password",
  );
});

it("reads back what it wrote", () => {
  const part = fc.string({ unit: "grapheme", minLength: 1 });
  const reference: fc.Arbitrary<SecretReference> = fc.oneof(
    fc.record({
      kind: fc.constant("secret" as const),
      environment: part,
      workload: part,
      resource: part,
      key: part,
    }),
    fc.record({ kind: fc.constant("k8s" as const), namespace: part, secret: part, key: part }),
  );
  fc.assert(
    fc.property(reference, (it) => {
      expect(parseReference(formatReference(it))).toEqual(it);
    }),
  );
});

test.each([
  "",
  "password",
  "secret://production/shop/db",
  "secret://production/shop/db/password/more",
  "secret://production//db/password",
  "secret://production/shop/db/%",
  "k8s://apps/db",
  "k8s://apps/db/password/more",
  "https://apps/db/password",
  " k8s://apps/db/password",
])("%j is no reference", (text) => {
  expect(parseReference(text)).toBeUndefined();
});
