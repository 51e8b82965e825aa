import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createTestPostgres } from "../../../test/support/database.ts";
import { openTestServer, type TestServer } from "../../../test/support/http.ts";
import { performOnce, stepContext } from "../../../test/support/step.ts";
import { StallingError, WaitingError } from "../../model/errors.ts";
import type { JsonRecord } from "../../model/json.ts";
import { PermanentError, type StepContext } from "../step-type.ts";
import { createWait } from "./wait.ts";

let url: string;
let remove: () => Promise<void>;
let server: TestServer;
let status = 200;
beforeAll(async () => {
  ({ url, remove } = await createTestPostgres("template0"));
  server = await openTestServer(() => ({ status }));
});
afterAll(() => Promise.all([remove(), server.close()]));

const run = (config: JsonRecord, more: Partial<StepContext> = {}) =>
  performOnce(createWait({ fetch, connections: { shared: { url } } }), config, more);
const outcome = (config: JsonRecord, more: Partial<StepContext> = {}): Promise<unknown> =>
  run(config, more).catch((error: unknown) => error);
const done = { outputs: {}, sensitive: [] };

describe("a condition that does not hold yet waits for the next look, without a worker", () => {
  it("http: the status", async () => {
    const config = { http: { url: server.url, status: [200, 204] }, interval: "7s" };
    status = 503;
    expect(await outcome(config)).toMatchObject({
      constructor: WaitingError,
      message: "the server answers 503, not yet 200 or 204",
      retryAfterMs: 7_000,
    });
    status = 204;
    expect(await outcome(config)).toEqual(done);
  });

  it("http: nobody listens yet", async () => {
    const config = { http: { url: "http://127.0.0.1:1/" } };
    expect(await outcome(config)).toMatchObject({
      constructor: WaitingError,
      retryAfterMs: 10_000,
    });
  });

  it("sql: a row", async () => {
    const sql = (query: string) => ({ sql: { connection: "shared", query } });
    expect(await outcome(sql("select 1 where false"))).toBeInstanceOf(WaitingError);
    expect(await outcome(sql("select 1"))).toEqual(done);
  });

  it("tcp: somebody listens", async () => {
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const config = { tcp: { host: "127.0.0.1", port } };
    expect(await outcome(config)).toEqual(done);
    await new Promise((resolve) => listener.close(resolve));
    expect(await outcome(config)).toBeInstanceOf(WaitingError);
  });

  it("duration: time since the step's first start, whoever started it", async () => {
    expect(await outcome({ duration: "30s" }, { elapsedMs: 10_000 })).toMatchObject({
      retryAfterMs: 20_000,
    });
    expect(await outcome({ duration: "30s" }, { elapsedMs: 30_000 })).toEqual(done);
  });
});

describe("a wait ends without its condition", () => {
  const config = { tcp: { host: "127.0.0.1", port: 1 }, timeout: "1m" };

  it("when its time is over, after a last look at that moment", async () => {
    expect(await outcome(config, { elapsedMs: 55_000 })).toMatchObject({ retryAfterMs: 5_000 });
    expect(await outcome(config, { elapsedMs: 60_000 })).toMatchObject({
      constructor: PermanentError,
      message: "timed out after 60 s: nothing listens at 127.0.0.1:1 yet",
    });
  });

  const hopeless: [string, JsonRecord, ErrorKind][] = [
    ["a mistake in the SQL", { sql: { connection: "shared", query: "selekt" } }, PermanentError],
    ["an unknown connection", { sql: { connection: "nope", query: "select 1" } }, StallingError],
    ["a refused address", { tcp: { host: "169.254.169.254", port: 80 } }, PermanentError],
    ["no condition", {}, StallingError],
    ["two conditions", { duration: "1s", tcp: { host: "x", port: 1 } }, StallingError],
    ["an interval that is none", { duration: "1s", interval: "soon" }, StallingError],
  ];
  test.each(hopeless)("at once with %s", async (_, given, kind) => {
    const attempt = async () => run(given);
    await expect(attempt()).rejects.toBeInstanceOf(kind);
  });
});

test("an interrupted look has done nothing", async () => {
  const bound = createWait({ fetch, connections: {} }).bind("only", { duration: "1s" });
  expect(await bound.observe(stepContext())).toEqual({ state: "absent" });
});

type ErrorKind = new (...given: never[]) => Error;
