import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { simpleProvider } from "../../test/support/provider-files.ts";
import { parseFile } from "../document/file.ts";
import type { JsonRecord } from "../model/json.ts";
import type { Outputs } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import { buildCatalog } from "../provider/catalog.ts";
import { readWorkload } from "../score/read.ts";
import type { Workload } from "../score/workload.ts";
import { createDesirer } from "./resources.ts";

const scope = { repository: "r", environment: "e" };
const { catalog } = buildCatalog([simpleProvider("team", ["thing"], "repository")]);

function workload(name: string, resources: JsonRecord, annotations: JsonRecord = {}): Workload {
  const spec = {
    apiVersion: "score.dev/v1b1",
    metadata: { name, annotations },
    containers: { main: { image: "x" } },
    resources,
  };
  const [document] = parseFile(`apps/${name}/score.yaml`, JSON.stringify(spec)).documents;
  if (document === undefined) throw new Error("no document");
  const read = readWorkload(document, "default");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}

const outputsOf =
  (known: { readonly [uid: string]: Outputs }) =>
  (uid: Uid): Outputs | undefined =>
    known[uid];
const none = outputsOf({});
const desire = (workloads: readonly Workload[], outputs = none) =>
  createDesirer(scope).desire(workloads, catalog, outputs);

describe("desire", () => {
  const shop = workload("shop", {
    db: { type: "thing", params: { size: "s" } },
    api: {
      type: "thing",
      params: {
        host: "${resources.db.host}",
        url: "x://${resources.db.password}@${metadata.name}",
      },
    },
  });

  it("leaves what is not known yet as it is written, and says what it waits for", () => {
    const { desired } = desire([shop]);
    expect(desired[0]).toMatchObject({
      uid: "thing.default#shop.api",
      params: { host: "${resources.db.host}", url: "x://${resources.db.password}@shop" },
      dependsOn: ["thing.default#shop.db"],
    });
  });

  it("law 7: fills in outputs, and a secret by its reference", () => {
    const db = {
      outputs: { host: "db.local" },
      secretRefs: { password: "secret://e/shop/db/password" },
    };
    const { desired } = desire([shop], outputsOf({ "thing.default#shop.db": db }));
    expect(desired[0]?.params).toEqual({
      host: "db.local",
      url: "x://secret://e/shop/db/password@shop",
    });
    expect(desired[0]?.template).toMatchObject({ host: "${resources.db.host}" });
  });

  it("blocks what no provider serves, with the place and a hint, and nothing else", () => {
    const { desired, blocked, problems } = desire([
      workload("app", { ok: { type: "thing" }, bad: { type: "thong" } }),
    ]);
    expect(desired.map((it) => it.name)).toEqual(["ok"]);
    expect(blocked).toMatchObject([{ uid: "thong.default#app.bad" }]);
    expect(problems).toMatchObject([
      {
        code: "provider/unknown-type",
        file: "apps/app/score.yaml",
        pointer: "/resources/bad/type",
      },
    ]);
  });

  it("takes a shared resource once, from the first workload that gives params", () => {
    const shared = { type: "thing", id: "main" };
    const { desired } = desire([
      workload(
        "bb",
        { xx: { ...shared, params: { size: "m" } } },
        { "innominatus.dev/protect": "true" },
      ),
      workload("aa", { yy: shared }),
    ]);
    expect(desired).toMatchObject([
      { uid: "thing.default#main", workload: "bb", params: { size: "m" }, protected: true },
    ]);
  });

  it("blocks both sides of a conflict", () => {
    const of = (name: string, size: string) =>
      workload(name, {
        xx: { type: "thing", id: "main", params: { size } },
        own: { type: "thing" },
      });
    const { desired, blocked } = desire([of("aa", "s"), of("bb", "m")]);
    expect(blocked.map((it) => it.uid)).toContain("thing.default#main");
    expect(desired.map((it) => it.uid)).not.toContain("thing.default#main");
  });
});

it("gives the same after any sequence of commits as from scratch", () => {
  const resources = fc.dictionary(
    fc.constantFrom("db", "cache"),
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          type: fc.constant("thing"),
          params: fc.constantFrom({}, { size: "s" }, { size: "m" }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom<JsonRecord>({ type: "thong" }, { type: "thing", id: "main" }),
      },
    ),
    { maxKeys: 2 },
  );
  const names = ["aa", "bb", "cc"] as const;
  const commit = fc.record({
    name: fc.constantFrom(...names),
    resources: fc.option(resources, { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 8 }), (commits) => {
      const desirer = createDesirer(scope);
      const tree = new Map(names.map((name) => [String(name), workload(name, {})]));
      for (const { name, resources: changed } of commits) {
        if (changed === undefined) tree.delete(name);
        else tree.set(name, workload(name, changed));
        const workloads = [...tree.values()];
        expect(desirer.desire(workloads, catalog, none)).toEqual(desire(workloads));
      }
    }),
  );
});
