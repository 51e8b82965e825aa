import { describe, expect, it } from "vitest";
import { githubContract } from "./openapi.ts";

const contract = githubContract();
const exchange = (method: string, path: string, body?: unknown, query = "") => ({
  method,
  path,
  body,
  query: new URLSearchParams(query),
});
const comments = "/repos/acme/platform/issues/7/comments";
const comment = contract.fill("issue-comment", { id: 1, body: "hello" });

describe("GitHub's description", () => {
  it("takes what GitHub takes", () => {
    const list = exchange("GET", "/repos/acme/platform/pulls", undefined, "state=open&page=2");
    expect(contract.checkRequest(list)).toEqual([]);
    expect(contract.checkRequest(exchange("POST", comments, { body: "hello" }))).toEqual([]);
    expect(contract.checkAnswer(exchange("POST", comments), 201, comment)).toEqual([]);
    expect(contract.checkAnswer(exchange("POST", comments), 404, { message: "none" })).toEqual([]);
  });

  it.each([
    ["an address", exchange("GET", "/repos/acme/platform/pullz"), "there is no such request"],
    ["a method", exchange("PUT", comments, { body: "x" }), "there is no such request"],
    ["a parameter", exchange("GET", comments, undefined, "sorted=1"), "no parameter sorted"],
    ["a value", exchange("GET", "/repos/a/b/pulls", undefined, "state=odd"), "allowed values"],
    ["a missing field", exchange("POST", comments, {}), "'body'"],
    ["a field", exchange("POST", comments, { body: "x", text: "y" }), "no field text"],
    ["a type", exchange("POST", comments, { body: 7 }), "must be string"],
  ])("refuses %s that GitHub does not know", (_, asked, wrong) => {
    expect(contract.checkRequest(asked).join()).toContain(wrong);
  });

  it.each([
    ["without a field", 201, { ...comment, user: undefined, html_url: undefined }, "html_url"],
    ["of another type", 201, { ...comment, id: "one" }, "/id must be integer"],
    ["deeper down", 201, { ...comment, user: { login: "dev" } }, "/user"],
    ["of an unknown status", 299, comment, "never answers 299"],
    ["that is no refusal", 400, "no", "must be object"],
  ])("refuses an answer %s", (_, status, body, wrong) => {
    const told = JSON.parse(JSON.stringify(body));
    expect(contract.checkAnswer(exchange("POST", comments), status, told).join()).toContain(wrong);
  });
});
