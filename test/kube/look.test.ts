import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { StepFailedError } from "../../src/model/errors.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import { createTestPostgres } from "../support/database.ts";
import { openCorner, type Corner } from "./support/namespace.ts";

let corner: Corner;
beforeEach(async () => {
  corner = await openCorner(inject("kube"));
});
afterEach(() => corner.watches.close());

const secret = `
apiVersion: v1
kind: Secret
metadata: { name: creds }
stringData: { username: app, password: "p@ss w/rd", tls.key: xyz }`;

test("law 7: a Secret's fields come out as references, never as values", async () => {
  await corner.apply(secret);
  const { outputs } = await corner.perform({
    operation: "get",
    kind: "secret",
    name: "creds",
    outputs: { password: "{.data.password}", key: "{.data['tls.key']}", kind: "{.kind}" },
  });
  const at = `k8s://${corner.namespace}/creds`;
  expect(outputs).toMatchObject({
    password: `${at}/password`,
    key: `${at}/tls.key`,
    kind: "Secret",
  });
  const all = { operation: "get", kind: "secret", name: "creds", outputs: { all: "{$}" } };
  const whole = await corner.perform(all);
  expect(JSON.stringify(whole)).not.toContain("p@ss");
  expect(JSON.stringify(whole)).not.toContain(Buffer.from("p@ss w/rd").toString("base64"));
});

test("law 7: what has to be put together of secret values goes to a Secret of ours, and is masked", async () => {
  await corner.apply(secret);
  const masker = createMasker();
  const compose = {
    name: "composed",
    data: { url: "postgresql://$(username):$(password|urlencode)@db:5432/app" },
  };
  const { outputs } = await corner.perform(
    { operation: "get", kind: "secret", name: ["missing", "creds"], compose },
    { masker },
  );
  expect(outputs).toMatchObject({ name: "creds", url: `k8s://${corner.namespace}/composed/url` });
  const url = "postgresql://app:p%40ss%20w%2Frd@db:5432/app";
  const made = await corner.read("v1", "Secret", "composed");
  expect(made?.["data"]).toEqual({ url: Buffer.from(url).toString("base64") });
  expect(masker.mask(`${url} p@ss w/rd`)).toBe("*** ***");
});

test("what is not there fails, or is told by `exists`", async () => {
  const wish = { operation: "get", kind: "configmaps", name: "none" };
  await expect(corner.perform(wish)).rejects.toBeInstanceOf(StepFailedError);
  expect((await corner.perform({ ...wish, optional: true })).outputs).toEqual({ exists: false });
});

test("upstream's spellings are understood", async () => {
  await corner.apply("{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } }");
  const { outputs } = await corner.perform({
    operation: "get",
    resource_type: "configmap",
    resource_name: "a",
  });
  expect(outputs).toMatchObject({ exists: true, name: "a" });
});

const pod =
  "{ apiVersion: v1, kind: Pod, metadata: { name: p }, spec: { containers: [{ name: c, image: i }] } }";
const isReady = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };

test.each([["ready"], ["condition=Ready"], ["jsonpath={.status.phase}=Running"]])(
  "waiting for %s holds no worker, and a watch wakes it",
  async (wish) => {
    await corner.apply(pod);
    let woken = 0;
    const wait = { operation: "wait", kind: "pod", name: "p", for: wish };
    const wake = () => void (woken += 1);
    await expect(corner.perform(wait, { wake })).rejects.toMatchObject({
      reason: "ObjectNotReady",
    });
    await corner.patch("v1", "Pod", "p", isReady, "/status");
    await expect.poll(() => woken, { timeout: 5_000 }).toBe(1);
    await corner.perform({ ...wait, outputs: { phase: "{.status.phase}" } }, { wake });
  },
);

test("a thousand waits in a namespace share one watch", async () => {
  await corner.apply(pod);
  for (let index = 0; index < 20; index++) {
    const wait = { operation: "wait", kind: "pod", name: "p", for: "ready" };
    await expect(corner.perform(wait, { key: `run-${index}/only` })).rejects.toThrow("waiting");
  }
  const watches = corner.calls.filter((it) => it.endsWith("/pods"));
  expect(watches).toHaveLength(1);
});

test("what was named as a failure ends the wait with what the object says", async () => {
  await corner.apply(pod);
  const failed = {
    status: {
      phase: "Failed",
      conditions: [{ type: "Ready", status: "False", reason: "Evicted" }],
    },
  };
  await corner.patch("v1", "Pod", "p", failed, "/status");
  const wait = {
    operation: "wait",
    kind: "pod",
    name: "p",
    for: "ready",
    failure: "jsonpath={.status.phase}=Failed",
  };
  await expect(corner.perform(wait)).rejects.toMatchObject({
    fault: { reason: "TaskFailed", detail: expect.stringContaining("Evicted") },
  });
});

test("E5: a delete by reference deletes what is ours, waits until it is gone, and absent is done", async () => {
  await corner.perform({
    manifest: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
  });
  const wish = { operation: "delete", resource_type: "configmap", resource_name: "a" };
  await corner.settle(wish);
  expect(await corner.read("v1", "ConfigMap", "a")).toBeUndefined();
  await corner.settle(wish);

  await corner.apply("{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } }");
  await expect(corner.perform(wish)).rejects.toMatchObject({ fault: { reason: "NameConflict" } });
  await corner.settle({ ...wish, adopt: true });
  expect(await corner.read("v1", "ConfigMap", "a")).toBeUndefined();
});

test("a deletion that a finalizer holds is woken when it is let go", async () => {
  const manifest = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", finalizers: ["acme.example/hold"] },
  };
  await corner.perform({ manifest });
  let woken = 0;
  const wish = { operation: "delete", manifest };
  const wake = () => void (woken += 1);
  await expect(corner.perform(wish, { wake })).rejects.toMatchObject({ reason: "Deleting" });
  await corner.patch("v1", "ConfigMap", "a", { metadata: { finalizers: null } });
  await expect.poll(() => woken, { timeout: 5_000 }).toBe(1);
  await corner.perform(wish);
});

test("issued credentials are tried where the database can be reached", async () => {
  const postgres = await createTestPostgres();
  const { hostname, port, pathname } = new URL(postgres.url);
  const wish = {
    operation: "connect",
    kind: "secret",
    name: "issued",
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    tls: false,
  };
  const issue = (password: string) =>
    corner.apply(
      `{ apiVersion: v1, kind: Secret, metadata: { name: issued }, stringData: { username: postgres, password: ${password} } }`,
    );
  try {
    await issue("postgres");
    expect((await corner.perform(wish)).outputs).toEqual({ reachable: true });
    const away = await corner.perform({ ...wish, host: "nowhere.invalid" });
    expect(away.outputs).toEqual({ reachable: false });
    await issue("wrong-one");
    const refused = corner.perform(wish);
    await expect(refused).rejects.toMatchObject({ fault: { reason: "TaskFailed" } });
    await expect(refused).rejects.not.toThrow("wrong-one");
  } finally {
    await postgres.remove();
  }
});
