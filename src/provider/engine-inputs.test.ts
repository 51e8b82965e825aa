import fc from "fast-check";
import { expect, test } from "vitest";
import { formatUid } from "../model/uid.ts";
import { engineInputs, isEngineInput } from "./engine-inputs.ts";

const resource = (
  app = "my-shop",
  name = "main-db",
  environment = "production",
  repository = "r",
  type = "postgres",
) => ({
  uid: formatUid(type, "shared", `${app}.${name}`),
  workload: app,
  identity: app,
  name,
  type,
  class: "shared",
  repository,
  environment,
});

test("the inputs have upstream's names and forms", () => {
  const inputs = engineInputs(resource());
  const { unique_name: uniqueName, ...others } = inputs;
  expect(uniqueName).toMatch(/^my_shop_main_db_production_[0-9a-f]{10}$/);
  expect(others).toEqual({
    app_name: "my-shop",
    bucket_name: "my-shop-main-db",
    db_name: "my_shop_main_db",
    environment: "production",
    namespace: "my-shop-production",
    resource_class: "shared",
    resource_name: "main-db",
    resource_type: "postgres",
    team_id: "default",
  });
  expect(Object.keys(inputs).every(isEngineInput)).toBe(true);
  expect(isEngineInput("size")).toBe(false);
});

test("a unique name is a safe identifier, and no other resource's", () => {
  const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$/);
  const some = fc.tuple(word, word, word, word, fc.constantFrom("postgres", "mysql"));
  fc.assert(
    fc.property(some, some, (a, b) => {
      const [one, other] = [engineInputs(resource(...a)), engineInputs(resource(...b))];
      expect(one["unique_name"]).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
      expect(one["unique_name"] === other["unique_name"]).toBe(
        JSON.stringify(a) === JSON.stringify(b),
      );
    }),
  );
});

test.each([
  ["words that join to the same text", resource("a-b", "c"), resource("a", "b-c")],
  [
    "a change of class",
    resource(),
    { ...resource(), uid: formatUid("postgres", "default", "my-shop.main-db") },
  ],
  ["another repository", resource(), resource("my-shop", "main-db", "production", "s")],
])("%s have unique names of their own", (_, a, b) => {
  expect(engineInputs(a)["unique_name"]).not.toBe(engineInputs(b)["unique_name"]);
});

test("the namespace is the workload's in its environment, as Kubernetes allows it", () => {
  expect(engineInputs(resource("shop", "db", "default"))["namespace"]).toBe("shop-default");
  expect(engineInputs(resource("shop", "db", "Preview_7"))["namespace"]).toBe("shop-preview-7");
  const long = engineInputs(resource("a".repeat(63), "db", "x"))["namespace"];
  expect(long).toBe("a".repeat(63));
});
