import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { StepFailedError, WaitingError } from "../../src/model/errors.ts";
import { clusterAs, openCorner, type Corner } from "./support/namespace.ts";

const configMap = (name: string, data: Record<string, string>, more = ""): string =>
  `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name}${more} }, data: ${JSON.stringify(data)} }`;

let corner: Corner;
beforeEach(async () => {
  corner = await openCorner(inject("kube"));
});
afterEach(() => corner.watches.close());

const failureOf = async (promise: Promise<unknown>): Promise<StepFailedError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StepFailedError)) throw new Error(`expected a failure: ${String(error)}`);
  return error;
};

const data = async (name: string): Promise<unknown> =>
  (await corner.read("v1", "ConfigMap", name))?.["data"];

test("what is applied is marked as the resource's own, and recorded with its UID", async () => {
  await corner.perform({ manifest: configMap("a", { k: "1" }) });
  const object = await corner.read("v1", "ConfigMap", "a");
  expect(object?.metadata.labels).toEqual({ "app.kubernetes.io/managed-by": "innominatus" });
  expect(object?.metadata.annotations).toEqual({
    "innominatus.dev/resource": "origin/default/mock.default#shop.db",
    "innominatus.dev/run": "run-1",
  });
  const scope = { repository: "origin", environment: "default" };
  expect(await corner.inventory.read(scope, "mock.default#shop.db")).toMatchObject([
    { kind: "ConfigMap", name: "a", keeper: "only", objectUid: object?.metadata.uid },
  ]);
});

test("an apply costs two requests an object once the kind is known", async () => {
  await corner.perform({ manifest: configMap("a", { k: "1" }) });
  corner.calls.length = 0;
  await corner.perform({ manifest: configMap("b", { k: "1" }) }, { uid: "mock.default#shop.two" });
  expect(corner.calls).toHaveLength(2);
});

test("what a manifest no longer says of an object is taken from it", async () => {
  await corner.perform({ manifest: configMap("a", { k: "1", old: "x" }) });
  await corner.perform({ manifest: configMap("a", { k: "2" }) }, { run: "run-2" });
  expect(await data("a")).toEqual({ k: "2" });
});

test("an object that the next manifest lacks is pruned; what other steps keep stays", async () => {
  await corner.perform({ manifest: `${configMap("a", {})}\n---\n${configMap("b", {})}` });
  await corner.perform({ manifest: configMap("c", {}) }, { name: "other" });
  await corner.settle({ manifest: configMap("a", {}) }, { run: "run-2" });
  expect(await data("b")).toBeUndefined();
  expect(await corner.read("v1", "ConfigMap", "b")).toBeUndefined();
  expect(await corner.read("v1", "ConfigMap", "a")).toBeDefined();
  expect(await corner.read("v1", "ConfigMap", "c")).toBeDefined();
});

test("pruning leaves alone another object that has taken the name since", async () => {
  await corner.perform({ manifest: `${configMap("a", {})}\n---\n${configMap("b", {})}` });
  await corner.remove("v1", "ConfigMap", "b");
  await corner.apply(configMap("b", { of: "a person" }));
  await corner.settle({ manifest: configMap("a", {}) }, { run: "run-2" });
  expect(await data("b")).toEqual({ of: "a person" });
});

test("E17: an object that exists and is not ours is left alone, and adopted only when asked for", async () => {
  await corner.apply(configMap("a", { of: "a person" }));
  const failure = await failureOf(corner.perform({ manifest: configMap("a", { mine: "1" }) }));
  expect(failure.fault).toMatchObject({ reason: "NameConflict", retryable: false, effect: false });
  expect(await data("a")).toEqual({ of: "a person" });

  await corner.perform({ manifest: configMap("a", { mine: "1" }), adopt: "true" });
  expect(await data("a")).toEqual({ of: "a person", mine: "1" });
});

test("an object of another resource is not adopted, asked or not", async () => {
  await corner.perform(
    { manifest: configMap("a", { k: "1" }) },
    { uid: "mock.default#shop.other" },
  );
  const failure = await failureOf(
    corner.perform({ manifest: configMap("a", { k: "2" }), adopt: true }),
  );
  expect(failure.fault.reason).toBe("NameConflict");
  expect(failure.message).toContain("mock.default#shop.other");
  expect(await data("a")).toEqual({ k: "1" });
});

test("a conflict names the field and its owner, and is forced only when the step says so", async () => {
  await corner.perform({ manifest: configMap("a", { k: "1" }) });
  await corner.apply(configMap("a", { k: "person" }), "kubectl-edit");
  const wish = { manifest: configMap("a", { k: "2" }) };
  const failure = await failureOf(corner.perform(wish, { run: "run-2" }));
  expect(failure.fault).toMatchObject({ reason: "FieldConflict", retryable: false });
  expect(failure.message).toContain(".data.k");
  expect(failure.message).toContain("kubectl-edit");
  expect(await data("a")).toEqual({ k: "person" });

  await corner.perform({ ...wish, force: true }, { run: "run-3" });
  expect(await data("a")).toEqual({ k: "2" });
});

const crd = (plural: string, kind: string): string => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${plural}.test.innominatus.dev }
spec:
  group: test.innominatus.dev
  scope: Namespaced
  names: { plural: ${plural}, singular: ${kind.toLowerCase()}, kind: ${kind} }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer } } } } } }`;

test("namespaces and CRDs come first, and are established before what needs them", async () => {
  const kind = `Thing${corner.namespace.slice(5)}`;
  const plural = `${kind.toLowerCase()}s`;
  const apiVersion = "test.innominatus.dev/v1";
  const namespace = `${corner.namespace}-x`;
  const manifest = [
    `{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: one, namespace: ${namespace} }, spec: { size: 1 } }`,
    crd(plural, kind),
    `{ apiVersion: v1, kind: Namespace, metadata: { name: ${namespace} } }`,
  ].join("\n---\n");
  await corner.settle({ manifest });
  const thing = { apiVersion, kind, name: "one", namespace };
  const { outputs } = await corner.perform({
    operation: "get",
    ...thing,
    outputs: { size: "{.spec.size}" },
  });
  expect(outputs).toMatchObject({ exists: true, size: 1 });
  await corner.settle({ operation: "delete", ...thing });
  const left = await corner.perform({ operation: "get", ...thing, optional: true });
  expect(left.outputs).toEqual({ exists: false });
});

test("a namespace that is there already is left as it is", async () => {
  const logged: string[] = [];
  await corner.perform({ operation: "create-namespace" }, {}, logged);
  expect(logged.join("")).toContain("left as it is");
  const fresh = `${corner.namespace}-fresh`;
  await corner.perform({ operation: "create-namespace", namespace: fresh });
  expect(await corner.read("v1", "Namespace", fresh)).toBeDefined();
});

test("a field the kind does not have is told by its name, and not retried", async () => {
  const manifest = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a" },
    dta: { k: "1" },
  };
  const failure = await failureOf(corner.perform({ manifest }));
  expect(failure.fault).toMatchObject({ reason: "ConfigurationError", retryable: false });
  expect(failure.message).toContain("dta");
});

test("a value the server does not accept is told by its field", async () => {
  const manifest = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a" },
    spec: { ports: [{ port: 99_999 }] },
  };
  const failure = await failureOf(corner.perform({ manifest }));
  expect(failure.fault.reason).toBe("ConfigurationError");
  expect(failure.message).toContain("spec.ports[0].port");
});

test("a kind that the cluster does not know is unavailable, and tried again later", async () => {
  const manifest = "{ apiVersion: acme.example/v1, kind: Rocket, metadata: { name: a } }";
  const failure = await failureOf(corner.perform({ manifest }));
  expect(failure.fault).toMatchObject({
    reason: "EngineUnavailable",
    retryable: true,
    effect: false,
  });
  expect(failure.message).toContain("Rocket");
});

test("a missing right is told with who lacks it, and not retried", async () => {
  const access = inject("kube");
  const impersonate = { "test-team": { user: "stranger", groups: [] } };
  const other = await openCorner(access, { ...clusterAs(access, "admin"), impersonate });
  const failure = await failureOf(other.perform({ manifest: configMap("a", {}) }));
  expect(failure.fault).toMatchObject({ reason: "Forbidden", retryable: false });
  expect(failure.message).toMatch(/"stranger" cannot get resource "configmaps"/);
});

test("a quota that is used up is retried", async () => {
  await corner.apply(
    "{ apiVersion: v1, kind: ResourceQuota, metadata: { name: q }, spec: { hard: { count/secrets: '0' } } }",
  );
  await corner.patch(
    "v1",
    "ResourceQuota",
    "q",
    { status: { hard: { "count/secrets": "0" }, used: { "count/secrets": "0" } } },
    "/status",
  );
  const manifest = "{ apiVersion: v1, kind: Secret, metadata: { name: s } }";
  const failure = await failureOf(corner.perform({ manifest }));
  expect(failure.fault).toMatchObject({ reason: "ResourceExhausted", retryable: true });
});

test("an object that is being deleted is waited for, with the finalizers that hold it", async () => {
  const held = configMap("a", {}, ", finalizers: [acme.example/hold]");
  await corner.perform({ manifest: held });
  await expect(corner.perform({ operation: "delete", inventory: true })).rejects.toMatchObject({
    reason: "Deleting",
    message: expect.stringContaining("acme.example/hold"),
  });
  const again = corner.perform({ manifest: held });
  await expect(again).rejects.toBeInstanceOf(WaitingError);
  await expect(again).rejects.toMatchObject({
    message: expect.stringContaining("acme.example/hold"),
  });
  await corner.patch("v1", "ConfigMap", "a", { metadata: { finalizers: null } });
  await corner.settle({ operation: "delete", inventory: true });
  expect(await corner.read("v1", "ConfigMap", "a")).toBeUndefined();
});

test("a provider with a service account of its own has that account's rights", async () => {
  const access = inject("kube");
  const user = "system:serviceaccount:platform:test-team";
  const impersonate = { "test-team": { user, groups: ["system:authenticated"] } };
  const other = await openCorner(access, { ...clusterAs(access, "admin"), impersonate });
  const failure = await failureOf(other.perform({ manifest: configMap("a", {}) }));
  expect(failure.message).toContain(`"${user}" cannot get resource "configmaps"`);
  await other.perform({ manifest: configMap("a", {}) }, { provider: "another-team" });
});
