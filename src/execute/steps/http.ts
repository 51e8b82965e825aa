/** Step type `http`: one request; its expected status decides, and parts of its JSON answer become outputs. */
import { z } from "zod";
import { atPointer, type Json, type JsonRecord } from "../../model/json.ts";
import { isCredentialName } from "../../provider/credentials.ts";
import type { Masker } from "../../secrets/mask.ts";
import { duration, statuses } from "../config-fields.ts";
import { describeRequest, sendRequest, type HttpAnswer, type HttpTools } from "../http-request.ts";
import { defineStep, PermanentError, type StepExecutor } from "../step-type.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const schema = z.strictObject({
  method: z
    .string()
    .toUpperCase()
    .pipe(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))
    .default("GET"),
  url: z.string().min(1),
  headers: z.record(z.string().regex(/^[\w-]+$/), scalar.transform(String)).default({}),
  /** Text is sent as it is, everything else as JSON. */
  body: z.json().optional(),
  /** Any 2xx by default. */
  expect: statuses.optional(),
  timeout: duration.default(30_000),
  followRedirects: z.boolean().default(false),
  /** JSON pointers into the answer, by output; the empty pointer is all of it. */
  outputs: z.record(z.string(), z.string().regex(/^(\/|$)/, "expected a JSON pointer")).default({}),
  sensitive: z.array(z.string()).default([]),
});

type Config = z.infer<typeof schema>;

/** Refused for what was sent: the same again is refused again. */
const refusals = [400, 401, 403, 405, 410, 413, 415, 422];
const quotedAtMost = 500;

/** Outputs `status`, and what the pointers name. */
export function createHttp(tools: HttpTools): StepExecutor {
  return defineStep({
    type: "http",
    schema,
    contexts: {},
    run: async (config, { key, masker, log, signal }) => {
      const { method, url, timeout, followRedirects } = config;
      const { headers, body } = prepare(config, key);
      hide(headers, masker);
      const request = { method, url, headers, body, timeoutMs: timeout, followRedirects };
      const answer = await sendRequest(tools, request, signal);
      const name = describeRequest(config);
      log(`${name}: ${answer.status}\n`);
      checkStatus(config, answer, name);
      const outputs = { status: answer.status, ...pickOutputs(config, answer, name) };
      return { outputs, sensitive: config.sensitive };
    },
    observe: async ({ method }) =>
      ["GET", "HEAD"].includes(method)
        ? { state: "absent" } // it only looked
        : {
            state: "unknown",
            message: `a ${method} was interrupted, and may have been carried out`,
          },
  });
}

/** The key lets a server that knows the header see a repeated request as the same one. */
function prepare({ method, headers, body }: Config, key: string) {
  const names = new Set(Object.keys(headers).map((it) => it.toLowerCase()));
  const added: Record<string, string> = {};
  if (!["GET", "HEAD"].includes(method) && !names.has("idempotency-key")) {
    added["idempotency-key"] = key;
  }
  const isText = typeof body === "string";
  if (body !== undefined && !isText && !names.has("content-type")) {
    added["content-type"] = "application/json";
  }
  return {
    headers: { ...added, ...headers },
    body: body === undefined || isText ? body : JSON.stringify(body),
  };
}

/** What a header authenticates with is a secret, and may come back in an answer. */
function hide(headers: Readonly<Record<string, string>>, masker: Masker): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^(proxy-)?authorization$|^cookie$/i.test(name) && !isCredentialName(name)) continue;
    masker.add(value.replace(/^\w+ +/, "")); // without the scheme, `Bearer` or `Basic`
  }
}

function checkStatus({ expect }: Config, { status, body }: HttpAnswer, name: string): void {
  if (expect === undefined ? status >= 200 && status < 300 : expect.includes(status)) return;
  const wanted = expect === undefined ? "2xx" : expect.join(" or ");
  // An error says what is wrong; any other answer may be full of secrets.
  const text = status < 400 ? "" : body.trim().slice(0, quotedAtMost);
  const said = text === "" ? "" : `: ${text}`;
  const message = `${name} answered ${status}, expected ${wanted}${said}`;
  throw refusals.includes(status) ? new PermanentError(message) : new Error(message);
}

function pickOutputs({ outputs }: Config, { body }: HttpAnswer, name: string): JsonRecord {
  if (Object.keys(outputs).length === 0) return {};
  const json = parseJson(body);
  return Object.fromEntries(
    Object.entries(outputs).map(([output, pointer]) => {
      if (pointer === "" && json === undefined) return [output, body];
      if (json === undefined) throw new Error(`${name}: the answer is no JSON`);
      const value = atPointer(json, pointer);
      if (value === undefined) throw new Error(`${name}: the answer has nothing at ${pointer}`);
      return [output, value];
    }),
  );
}

function parseJson(text: string): Json | undefined {
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
