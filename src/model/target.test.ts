import { describe, expect, it, test } from "vitest";
import { lockName, normalizeTarget, ownTarget } from "./target.ts";

describe("a target's lock", () => {
  test.each([
    ["default/deployment/cooldown-app-1", "wfe-1e7a206788c3b9bc"],
    ["payment/deployment/payment-api", "wfe-cf0cc089293b1165"],
    ["node/worker-node-1", "wfe-ac45b7d6911e97a5"],
  ])("E1: of %s is %s", (target, name) => expect(lockName(target)).toBe(name));
});

describe("a target as a workflow names it", () => {
  test.each([
    ["payment/Deployment/payment-api", "payment/deployment/payment-api"],
    ["Node/worker-Node-1", "node/worker-Node-1"],
    [" payment / Deployment / api ", "payment/deployment/api"],
  ])("E1: %s is %s", (text, target) => expect(normalizeTarget(text)).toBe(target));

  test.each(["", "node", "node/", "/deployment/api", "payment//api", "a/b/c/d"])(
    "E1: %j is none",
    (text) => expect(normalizeTarget(text)).toBeUndefined(),
  );

  it("E1: is the resource itself where the workflow names none", () => {
    const scope = { repository: "shop", environment: "production" };
    expect(ownTarget(scope, "postgres.default#shop.db")).toBe(
      "shop/production/postgres.default#shop.db",
    );
  });
});
