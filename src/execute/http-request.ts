/** One bounded HTTP exchange, whose errors show neither the query, the headers nor the body. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { PermanentError, TransientError } from "./step-type.ts";

export interface HttpTools {
  readonly fetch: typeof fetch;
  /** Every address of a host name; the system's resolver by default. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
  readonly followRedirects: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** At most 1 MiB. */
  readonly body: string;
}

const bodyAtMost = 1_048_576;
const redirectsAtMost = 5;

/**
 * @throws {PermanentError} for an address that is refused, or an answer that is too large
 * @throws {TransientError} no answer; or the signal's reason
 */
export async function sendRequest(
  { fetch, resolve = systemResolve }: HttpTools,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const both = AbortSignal.any([signal, timeout]);
  let { url, method, headers, body } = { ...request, url: parseUrl(request.url) };
  const name = describeRequest(request);
  try {
    for (let hop = 0; ; hop++) {
      await refuseLinkLocal(url.hostname, resolve);
      const sent = { method, headers, redirect: "manual", signal: both } as const;
      const response = await fetch(url, body === undefined ? sent : { ...sent, body });
      const location = response.headers.get("location");
      const moved = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
      if (!moved || !request.followRedirects) return await readAnswer(response, name);
      await response.body?.cancel();
      if (hop === redirectsAtMost) throw new PermanentError(`${name}: more than 5 redirects`);

      const next = parseUrl(new URL(location, url).href);
      // What was meant for one server is not for another.
      if (next.origin !== url.origin) headers = {};
      if (response.status < 307 && method !== "HEAD") [method, body] = ["GET", undefined];
      url = next;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PermanentError || error instanceof TransientError) throw error;
    if (timeout.aborted)
      throw new TransientError(`${name}: no answer within ${request.timeoutMs} ms`);
    throw new TransientError(`${name}: ${networkCode(error)}`);
  }
}

/** Method and address without what may be secret: query, fragment, credentials. */
export function describeRequest({ method, url }: Pick<HttpRequest, "method" | "url">): string {
  const { origin, pathname } = parseUrl(url);
  return `${method} ${origin}${pathname}`;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new PermanentError("the url is no http or https address");
  }
  if (url.username !== "" || url.password !== "") {
    throw new PermanentError("the url has credentials in it; send them in a header");
  }
  return url;
}

/** Where clouds hand out the credentials of the machine itself. */
const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16);
refused.addSubnet("fe80::", 10, "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");

/** @throws {PermanentError} when `host` is, or resolves to, a link-local or metadata address */
export async function refuseLinkLocal(
  host: string,
  resolve: HttpTools["resolve"] = systemResolve,
): Promise<void> {
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(name) === 0 ? await addressesOf(name, resolve) : [name];
  // A mapped IPv4 address matches IPv4's rules (node:net).
  if (!addresses.some((it) => refused.check(it, isIP(it) === 6 ? "ipv6" : "ipv4"))) return;
  throw new PermanentError(`${host} is a link-local address, which steps may not reach`);
}

async function addressesOf(name: string, resolve: (host: string) => Promise<readonly string[]>) {
  try {
    return await resolve(name);
  } catch (error) {
    throw new TransientError(`looking up ${name}: ${networkCode(error)}`);
  }
}

async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

const bytes = z.instanceof(Uint8Array);

async function readAnswer(response: Response, name: string): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    const chunk = bytes.parse(part);
    size += chunk.byteLength;
    if (size > bodyAtMost) throw new PermanentError(`${name}: the answer is larger than 1 MiB`);
    chunks.push(chunk);
  }
  return { status: response.status, body: Buffer.concat(chunks).toString("utf8") };
}

const coded = z.object({ code: z.string() });
const caused = z.object({ cause: coded });

/** Never the text: fetch quotes what it was given. */
function networkCode(error: unknown): string {
  const direct = coded.safeParse(error);
  if (direct.success) return direct.data.code;
  const cause = caused.safeParse(error);
  return cause.success ? cause.data.cause.code : "the request could not be sent";
}
