import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, openTestDatabase } from "../../test/support/database.ts";
import type { Database } from "./database.ts";
import { kubernetesObjects } from "./kubernetes-objects.ts";

const scope = { repository: "origin", environment: "default" };
const uid = "postgres.default#shop.db";
const entry = {
  cluster: "main",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  keeper: "apply",
  objectUid: undefined,
};

describe.each(databases())("objects in a cluster, recorded on %s", (kind) => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase(kind);
  });
  afterAll(() => db.close());

  it("come back in the order they were first recorded, and by resource", async () => {
    const objects = kubernetesObjects(db);
    const claim = {
      ...entry,
      kind: "Namespace",
      apiVersion: "v1",
      namespace: undefined,
      name: "z",
    };
    await objects.put(scope, uid, [claim]);
    await objects.put(scope, uid, [entry, { ...claim, keeper: "later" }]);
    await objects.put(scope, "postgres.default#shop.other", [entry]);
    expect(await objects.read(scope, uid)).toEqual([{ ...claim, keeper: "later" }, entry]);
    await objects.forget(scope, uid, [claim]);
    expect(await objects.read(scope, uid)).toEqual([entry]);
  });

  it("keep the UID they were made with, and take a new version of their kind", async () => {
    const objects = kubernetesObjects(db);
    const made = { ...entry, name: "api", objectUid: "1" };
    await objects.put(scope, uid, [made]);
    await objects.put(scope, uid, [{ ...made, objectUid: undefined, apiVersion: "apps/v2" }]);
    const found = await objects.read(scope, uid);
    expect(found.filter((it) => it.name === "api")).toEqual([{ ...made, apiVersion: "apps/v2" }]);
    await objects.forget(scope, uid, [made]);
    expect(await objects.read(scope, uid)).toEqual([entry]);
  });
});
