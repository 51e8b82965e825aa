import { describe, expect, it, test } from "vitest";
import { parseFile } from "../document/file.ts";
import type { Problem } from "../model/problem.ts";
import { checkWorkloads } from "./conflicts.ts";
import { readWorkload } from "./read.ts";
import { uidOf, type Workload } from "./workload.ts";

interface Spec {
  readonly name?: string;
  readonly annotations?: string;
  readonly resources?: string;
  readonly variables?: string;
}

function read(
  file: string,
  spec: Spec,
): { workload: Workload | undefined; problems: readonly Problem[] } {
  const { name = "shop", annotations = "{}", resources = "{}", variables = "{}" } = spec;
  const text = `apiVersion: score.dev/v1b1
metadata:
  name: ${name}
  annotations: ${annotations}
containers: { web: { image: nginx, variables: ${variables} } }
resources: ${resources}
`;
  const [document] = parseFile(file, text).documents;
  if (document === undefined) throw new Error("no document");
  const checked = readWorkload(document, "default");
  return { workload: checked.ok ? checked.value : undefined, problems: checked.problems };
}

const across = (...specs: Spec[]) =>
  checkWorkloads(specs.map((it, n) => readFine(`${n}.yaml`, it)));

function readFine(file: string, spec: Spec): Workload {
  const { workload, problems } = read(file, spec);
  if (workload === undefined) throw new Error(problems.map((it) => it.message).join());
  return workload;
}

describe("across workloads", () => {
  const shared = (params: string) => `{ db: { type: pg, id: main, ${params} } }`;

  test.each<[string, Spec, Spec, string | undefined]>([
    ["nothing shared", { name: "aa" }, { name: "bb" }, undefined],
    ["one name", { name: "aa" }, { name: "aa" }, "score/duplicate-workload"],
    [
      "one identity",
      { name: "aa" },
      { name: "bb", annotations: "{ innominatus.dev/id: aa }" },
      "score/duplicate-identity",
    ],
    [
      "equal params",
      { name: "aa", resources: shared("params: { a: 1, b: 2 }") },
      { name: "bb", resources: shared("params: { b: 2, a: 1 }") },
      undefined,
    ],
    [
      "params on one side",
      { name: "aa", resources: shared("params: { a: 1 }") },
      { name: "bb", resources: shared("") },
      undefined,
    ],
    [
      "other params",
      { name: "aa", resources: shared("params: { a: 1 }") },
      { name: "bb", resources: shared("params: { a: 2 }") },
      "score/conflicting-params",
    ],
    [
      "other metadata",
      { name: "aa", resources: shared("metadata: { a: 1 }") },
      { name: "bb", resources: shared("metadata: {}") },
      "score/conflicting-metadata",
    ],
    [
      "an id that is a private resource",
      { name: "aa", resources: "{ db: { type: pg } }" },
      { name: "bb", resources: "{ xx: { type: pg, id: aa.db } }" },
      "score/uid-collision",
    ],
  ])("%s", (_, one, other, code) => {
    const problems = across(one, other);
    expect(problems.map((it) => it.code)).toEqual(code === undefined ? [] : [code]);
    // the later of the two says where the earlier is
    expect(problems.every((it) => it.file === "1.yaml" && it.message.includes("0.yaml:"))).toBe(
      true,
    );
  });

  it("does not depend on the order in which they come", () => {
    const list = [
      readFine("0.yaml", { name: "aa", resources: shared("params: { a: 1 }") }),
      readFine("1.yaml", { name: "bb", resources: shared("params: { a: 2 }") }),
      readFine("2.yaml", { name: "bb" }),
    ];
    expect(checkWorkloads(list.toReversed())).toEqual(checkWorkloads(list));
  });
});

describe("uidOf", () => {
  it("law 3: uses the annotation `innominatus.dev/id` in place of the name", () => {
    const { workload } = read("a", {
      annotations: "{ innominatus.dev/id: old-shop }",
      resources: "{ db: { type: pg, class: big }, aa: { type: pg, id: main } }",
    });
    const uids = workload?.resources.map((it) => uidOf(workload, it));
    expect(uids).toEqual(["pg.default#main", "pg.big#old-shop.db"]);
  });
});

describe("annotations", () => {
  const flags = (spec: Spec) =>
    read("a", spec).workload?.resources.map((it) => [it.name, it.protect, it.hold]);
  const db = (annotations: string) =>
    `{ aa: { type: pg }, db: { type: pg, metadata: { annotations: ${annotations} } } }`;

  it("law 4: a workload's flags hold for each of its resources", () => {
    expect(flags({ resources: db("{ innominatus.dev/protect: 'true' }") })).toEqual([
      ["aa", false, false],
      ["db", true, false],
    ]);
    const annotations = "{ innominatus.dev/hold: 'true' }";
    expect(flags({ annotations, resources: db("{}") })).toEqual([
      ["aa", false, true],
      ["db", false, true],
    ]);
  });

  it("takes a slip for true, with a warning", () => {
    const spec = {
      resources: db("{ innominatus.dev/protect: 'yes', innominatus.dev/hold: 'false' }"),
    };
    expect(flags(spec)?.[1]).toEqual(["db", true, false]);
    expect(read("a", spec).problems).toMatchObject([
      {
        code: "score/annotation-value",
        severity: "warning",
        pointer: "/resources/db/metadata/annotations/innominatus.dev~1protect",
      },
    ]);
  });

  test.each([
    ["{ innominatus.dev/protekt: 'true' }", "score/unknown-annotation", "warning"],
    ["{ innominatus.dev/id: Not.A.Label }", "score/annotation-value", "error"],
  ])("%s", (annotations, code, severity) => {
    expect(read("a", { annotations }).problems).toMatchObject([{ code, severity }]);
  });
});

describe("placeholders of a spec", () => {
  test.each<[string, string | undefined]>([
    ["${metadata.name}", undefined],
    ["${metadata.nmae}", "score/unknown-metadata"],
    ["${metadata.annotations.acme.org/x}", "score/unknown-metadata"],
    ["${metadata}", "score/malformed-placeholder"],
    ["${resources}", "score/malformed-placeholder"],
    ["${resources.db}", "score/missing-output"],
    ["${resources.db.host}", undefined],
    ["${resources.bd.host}", "score/unknown-resource"],
    ["${resources.constructor.x}", "score/unknown-resource"],
    ["${resources.db.host:-x}", "score/malformed-placeholder"],
    ["${resources..host}", "score/malformed-placeholder"],
    ["${resources.db.a\\\\.b}", undefined],
    ["${resource.db.host}", "score/unknown-root"],
    ["${HOME}", "score/malformed-placeholder"],
    ["$${HOME} $$ $HOME", undefined],
  ])("%s: %s", (text, code) => {
    const { problems } = read("a", {
      variables: `{ A: "${text}" }`,
      resources: "{ db: { type: pg } }",
    });
    expect(problems.map((it) => it.code)).toEqual(code === undefined ? [] : [code]);
    expect(problems.every((it) => it.message.includes(text) && it.hint !== undefined)).toBe(true);
  });

  it("names a cycle of three once", () => {
    const resource = (to: string) => `{ type: pg, params: { x: "\${resources.${to}.y}" } }`;
    const resources = `{ aa: ${resource("bb")}, bb: ${resource("cc")}, cc: ${resource("aa")}, dd: ${resource("aa")} }`;
    const { problems } = read("a", { resources });
    expect(problems).toMatchObject([{ code: "score/param-cycle" }]);
    expect(problems[0]?.message).toContain("`aa` → `bb` → `cc` → `aa`");
  });
});

it("gives a request's places within the file, also where something is missing", () => {
  const { workload } = read("a", { resources: "{ db: { type: pg, params: { size: s } } }" });
  const [db] = workload?.resources ?? [];
  expect(db?.placeOf()).toEqual({ file: "a", line: 6, column: 14 });
  expect(db?.placeOf(["params", "size"])).toMatchObject({ line: 6, column: 40 });
  expect(db?.placeOf(["params", "none"])).toEqual(db?.placeOf(["params"]));
  expect(db?.pointerOf(["params", "a/b"])).toBe("/resources/db/params/a~1b");
});
