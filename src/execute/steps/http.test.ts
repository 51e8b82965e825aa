import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import { openTestServer, type Answer, type TestServer } from "../../../test/support/http.ts";
import { performOnce, stepContext } from "../../../test/support/step.ts";
import type { JsonRecord } from "../../model/json.ts";
import { createMasker } from "../../secrets/mask.ts";
import { PermanentError, TransientError, type StepContext } from "../step-type.ts";
import { createHttp } from "./http.ts";

let server: TestServer;
let other: TestServer;
let answer: (path: string) => Answer | undefined;
beforeAll(async () => {
  server = await openTestServer(({ path }) => answer(path));
  other = await openTestServer(() => ({ body: '{"from":"other"}' }));
});
afterAll(() => Promise.all([server.close(), other.close()]));
beforeEach(() => {
  server.asked.length = 0;
  other.asked.length = 0;
  answer = () => ({ body: "{}" });
});

const executor = createHttp({ fetch });
const run = (config: JsonRecord, more: Partial<StepContext> = {}) =>
  performOnce(executor, { url: `${server.url}/things`, ...config }, more);
const failure = (config: JsonRecord): Promise<unknown> =>
  run(config).catch((error: unknown) => error);

describe("a request", () => {
  it("is sent as written, a body that is no text as JSON, with the step's key", async () => {
    const body = { name: "shop", replicas: 2 };
    await run({ method: "post", headers: { "X-Team": "a" }, body });
    expect(server.asked).toMatchObject([
      {
        method: "POST",
        path: "/things",
        headers: {
          "x-team": "a",
          "content-type": "application/json",
          "idempotency-key": "run-1/only",
        },
        body: JSON.stringify(body),
      },
    ]);
  });

  it("keeps a text body and headers that the workflow sets itself", async () => {
    await run({ method: "PUT", headers: { "Idempotency-Key": "mine" }, body: "a=1" });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ body: "a=1", headers: { "idempotency-key": "mine" } });
    expect(asked?.headers["content-type"]).not.toBe("application/json");
  });

  it("has outputs by JSON pointer, of any type", async () => {
    answer = () => ({ status: 201, body: '{"a/b":{"list":[1,{"id":"x"}]},"ok":true}' });
    const outputs = { id: "/a~1b/list/1/id", ok: "/ok", all: "" };
    const result = await run({ outputs, sensitive: ["id"] });
    expect(result).toEqual({
      outputs: {
        status: 201,
        id: "x",
        ok: true,
        all: { "a/b": { list: [1, { id: "x" }] }, ok: true },
      },
      sensitive: ["id"],
    });
  });
});

describe("the status decides", () => {
  const fine: [number, JsonRecord][] = [
    [204, {}],
    [404, { expect: [200, 404] }],
    [409, { expect: 409 }],
  ];
  test.each(fine)("%i is fine with %j", async (status, config) => {
    answer = () => ({ status });
    expect((await run(config)).outputs).toEqual({ status });
  });

  const failed: [number, JsonRecord, ErrorKind][] = [
    [200, { expect: [201] }, Error],
    [302, {}, Error],
    [503, {}, Error],
    [429, {}, Error],
    [422, {}, PermanentError],
    [403, {}, PermanentError],
  ];
  test.each(failed)("%i is a failure with %j", async (status, config, kind) => {
    answer = () => ({ status });
    const message = expectText(`answered ${status}`);
    expect(await failure(config)).toMatchObject({ constructor: kind, message });
  });
});

describe("redirects", () => {
  const moved = (location: string) => (path: string) =>
    path === "/things" ? { status: 302, headers: { location } } : { body: '{"from":"here"}' };

  it("are not followed unless asked", async () => {
    answer = moved("/there");
    await expect(run({})).rejects.toThrow("answered 302");
    expect(server.asked.map((it) => it.path)).toEqual(["/things"]);
  });

  it("are followed when asked; headers do not go to another server", async () => {
    answer = moved(other.url);
    const config = { headers: { Authorization: "Bearer tok-123456789" }, followRedirects: true };
    expect((await run({ ...config, outputs: { from: "/from" } })).outputs).toMatchObject({
      from: "other",
    });
    expect(other.asked[0]?.headers).not.toHaveProperty("authorization");

    answer = moved("/there");
    await run(config);
    expect(server.asked.at(-1)).toMatchObject({
      path: "/there",
      headers: { authorization: "Bearer tok-123456789" },
    });
  });

  it("turn a request into a GET where the web does", async () => {
    answer = moved("/there");
    await run({ method: "POST", body: { a: 1 }, followRedirects: true });
    expect(server.asked.at(-1)).toMatchObject({ method: "GET", path: "/there", body: "" });
  });

  it("end somewhere", async () => {
    answer = () => ({ status: 302, headers: { location: "/things" } });
    await expect(run({ followRedirects: true })).rejects.toThrow("more than 5 redirects");
  });

  it("lead to no address that is refused", async () => {
    answer = moved("http://169.254.169.254/latest/");
    await expect(run({ followRedirects: true })).rejects.toThrow("link-local");
  });
});

const metadata = [
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "[::ffff:169.254.169.254]",
  "[fe80::1]",
  "[fd00:ec2::254]",
];
test.each(metadata)(
  "the machine's own credentials are out of reach at http://%s/",
  async (host) => {
    await expect(run({ url: `http://${host}/latest/` })).rejects.toThrow("link-local");
  },
);

test("and by a name that resolves to them", async () => {
  const guarded = createHttp({ fetch, resolve: async () => ["10.0.0.1", "169.254.169.254"] });
  const config = { url: "http://metadata.example/" };
  await expect(performOnce(guarded, config)).rejects.toThrow("link-local");
});

describe("what goes wrong", () => {
  it("nobody listens, or nobody answers in time: a further attempt may help", async () => {
    const gone = await openTestServer(() => ({}));
    await gone.close();
    expect(await failure({ url: gone.url })).toMatchObject({
      constructor: TransientError,
      message: `GET ${gone.url}/: ECONNREFUSED`,
    });
    answer = () => undefined;
    expect(await failure({ timeout: "50ms" })).toMatchObject({
      constructor: TransientError,
      message: expectText("no answer within 50 ms"),
    });
  });

  it("a stopped step stops its request", async () => {
    const stop = new AbortController();
    answer = () => {
      stop.abort(new Error("time is up"));
      return undefined;
    };
    await expect(run({}, { signal: stop.signal })).rejects.toThrow("time is up");
  });

  it("an answer that is too large is not read to its end", async () => {
    answer = () => ({ body: "x".repeat(1_048_577) });
    expect(await failure({})).toMatchObject({
      constructor: PermanentError,
      message: expectText("1 MiB"),
    });
  });

  it("an answer without what was asked for", async () => {
    await expect(run({ outputs: { id: "/id" } })).rejects.toThrow("nothing at /id");
    answer = () => ({ body: "<html>" });
    await expect(run({ outputs: { id: "/id" } })).rejects.toThrow("no JSON");
  });

  const urls = ["ftp://x/", "not a url", "http://user:zx81-spectrum@x/"];
  it.each(urls)("law 7: an address that cannot be used is not repeated: %s", async (url) => {
    const error = await failure({ url });
    expect(error).toBeInstanceOf(PermanentError);
    expect(String(error)).not.toContain(url);
    expect(String(error)).not.toContain("zx81");
  });

  it("law 7: an error shows no query, and no credential that the server sends back", async () => {
    const masker = createMasker();
    answer = () => ({ status: 401, body: "the token tok-123456789 has expired" });
    const config = {
      url: `${server.url}/things?key=zx81-spectrum`,
      headers: { Authorization: "Bearer tok-123456789" },
    };
    const error = await run(config, { masker }).catch((it: unknown) => it);
    expect(String(error)).not.toContain("zx81");
    expect(masker.mask(String(error))).toContain("the token *** has expired");
  });

  it("law 7: an answer that is no error, though not the one expected, is not quoted", async () => {
    answer = () => ({ status: 201, body: '{"token":"tok-123456789"}' });
    expect(String(await failure({ expect: [200] }))).not.toContain("tok-");
  });
});

test("an interrupted request is known to have done nothing only if it cannot have", async () => {
  const observe = (method: string) =>
    executor.bind("only", { url: server.url, method }).observe(stepContext());
  expect(await observe("GET")).toEqual({ state: "absent" });
  expect(await observe("POST")).toMatchObject({ state: "unknown" });
});

const expectText = (text: string): unknown => expect.stringContaining(text);

type ErrorKind = new (...given: never[]) => Error;
