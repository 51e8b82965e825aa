import { expect, it } from "vitest";
import { contractOf } from "./contract.ts";

const thing = {
  type: "object",
  properties: { id: { type: "string" } },
  required: ["id"],
};
const contract = contractOf({
  openapi: "3.1.0",
  info: { title: "test", version: "1" },
  components: { schemas: { Thing: thing } },
  paths: {
    "/api/things/{id}": {
      get: {
        responses: {
          "200": {
            description: "",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          default: { description: "", content: { "application/problem+json": { schema: {} } } },
        },
      },
    },
  },
});
const check = (status: number, type: string, body: object, path = "/api/things/1") =>
  contract.check(
    "GET",
    path,
    new Response(JSON.stringify(body), { status, headers: { "content-type": type } }),
  );

it("takes what the document has", async () => {
  await expect(check(200, "application/json", { id: "a" })).resolves.toBeUndefined();
  await expect(check(404, "application/problem+json", {})).resolves.toBeUndefined();
});

it.each<[string, () => Promise<void>]>([
  ["a field that is missing", () => check(200, "application/json", {})],
  ["a field of another type", () => check(200, "application/json", { id: 1 })],
  ["a field that it does not have", () => check(200, "application/json", { id: "a", more: 1 })],
  ["another content type", () => check(200, "text/plain", { id: "a" })],
  ["a success that it does not have", () => check(201, "application/json", { id: "a" })],
  ["a path that it does not have", () => check(200, "application/json", {}, "/api/others")],
])("refuses %s", async (_, run) => {
  await expect(run()).rejects.toThrow(/^GET \/api\/.* answered \d+/);
});
