import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { formsOf } from "./encodings.ts";
import { createMasker, type Masker } from "./mask.ts";

const masking = (...secrets: string[]): Masker => {
  const masker = createMasker();
  for (const secret of secrets) masker.add(secret);
  return masker;
};

const streamed = (masker: Masker, chunks: readonly string[]): string => {
  const stream = masker.stream();
  return chunks.map((it) => stream.write(it)).join("") + stream.end();
};

const awkward = `p@ss "w0rd"/+<'x'>&$y!\\ü`;

const encoders: [string, (value: string) => string][] = [
  ["as it is", (it) => it],
  ["JSON", (it) => JSON.stringify(it).slice(1, -1)],
  ["JSON inside JSON", (it) => JSON.stringify(JSON.stringify({ it })).slice(1, -1)],
  ["JSON of Go", (it) => JSON.stringify(it).replace(/[<>&]/g, (c) => `\\u00${hex(c)}`)],
  ["JSON of Python", (it) => JSON.stringify(it).replaceAll("ü", "\\u00fc")],
  ["JSON of PHP", (it) => JSON.stringify(it).replaceAll("/", "\\/")],
  ["a URL's part", encodeURIComponent],
  [
    "a URL's part in lower case",
    (it) => encodeURIComponent(it).replace(/%../g, (c) => c.toLowerCase()),
  ],
  ["a URL", encodeURI],
  ["a form", (it) => new URLSearchParams({ it }).toString()],
  ["single quotes", (it) => `'${it.replaceAll("'", `'\\''`)}'`],
  ["SQL", (it) => `'${it.replaceAll("'", "''")}'`],
  ["base64", (it) => Buffer.from(it).toString("base64")],
  ["base64 for URLs", (it) => Buffer.from(it).toString("base64url")],
];
const hex = (unit: string) => unit.charCodeAt(0).toString(16);

describe("forms of a secret", () => {
  test.each(encoders)("%s leaves nothing of it", (_, encode) => {
    const fixed = encode("").length;
    const masked = masking(awkward).mask(`before ${encode(awkward)} after`);
    expect(masked).toMatch(/^before .*\*\*\*.* after$/s);
    // Nothing but the encoder's own quotes and names around it.
    expect(masked.length).toBeLessThanOrEqual("before *** after".length + fixed + 10);
  });

  const quote = (script: string) =>
    execFileSync("bash", ["-c", script], {
      env: { ...process.env, LC_ALL: "C.UTF-8", SECRET: awkward },
      stdio: ["ignore", "pipe", "pipe"],
    }).toString();

  test.each([
    ["printf %q", `printf '%q' "$SECRET"`],
    ["set -x", `exec 2>&1; set -x; : "$SECRET"`],
    ["declare -p", `declare -p SECRET`],
    ["base64 with line breaks", `printf %s "$SECRET$SECRET$SECRET" | base64`],
  ])("bash's %s leaves nothing of it", (_, script) => {
    const masked = masking(awkward, awkward.repeat(3)).mask(quote(script));
    expect(masked).toContain("***");
    expect(masked).not.toContain("w0rd");
    expect(masked.replaceAll("***", "").length).toBeLessThan(24);
  });

  it("masks each line of a value of several", () => {
    const pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";
    const text = "1: MIIEvQIBADANBgkq\n2: hkiG9w0BAQEFAASC\n3: public";
    expect(masking(pem).mask(text)).toBe("1: ***\n2: ***\n3: public");
  });

  it("takes white space around a value for none of it", () => {
    expect(masking(" s3cret\n").mask("s3cret!")).toBe("***!");
  });

  it("leaves values alone that are shorter than three characters", () => {
    expect(formsOf("ab")).toEqual([]);
    expect(masking("a", "ab", "", "  \n").mask("ab abc")).toBe("ab abc");
    expect(masking("abc").mask("ab abc")).toBe("ab ***");
  });

  it("masks a long value as one, and also where it was cut short", () => {
    const long = Array.from({ length: 999 }, (_, n) => `${n},`).join("");
    const masker = masking(long);
    expect(masker.mask(`<${long}>`)).toBe("<***>");
    expect(masker.mask(`<${long.slice(0, 2000)}>`)).toMatch(/^<\*\*\*.{0,255}>$/);
    expect(streamed(masker, ["<", ...(long.match(/.{1,99}/g) ?? []), ">"])).toBe("<***>");
  });

  it("leaves no piece standing of secrets that overlap or hold one another", () => {
    const masker = masking("abcd", "cdef", "abcdefgh", "xyz");
    expect(masker.mask("1abcdef2")).toBe("1***2");
    expect(masker.mask("1abcdefgh2")).toBe("1***2");
    expect(masker.mask("xyzxyz")).toBe("******");
  });
});

describe("a stream", () => {
  it("shows at once what can be no part of a secret", () => {
    const stream = masking("secret").stream();
    expect(stream.write("a line\nse")).toBe("a line\n");
    expect(stream.write("t up, secr")).toBe("set up, ");
    expect(stream.write("et!")).toBe("***!");
    expect(stream.end()).toBe("");
  });

  it("shows the beginning of a secret at its end: it was none", () => {
    const stream = masking("secret").stream();
    expect(stream.write("secre") + stream.end()).toBe("secre");
  });

  it("masks what is added while it is open", () => {
    const masker = masking("first");
    const stream = masker.stream();
    expect(stream.write("first ")).toBe("*** ");
    masker.add("second");
    expect(stream.write("second ")).toBe("*** ");
  });

  it("holds back no more than one secret, however long a run of them is", () => {
    const stream = masking("aaaa").stream();
    const shown = Array.from({ length: 1000 }, () => stream.write("aa"));
    expect(shown.join("") + stream.end()).toBe("***");
  });
});

// Without asterisks: a secret made of them cannot be told from its mask.
const alphabet = fc.constantFrom(...("abAB01 '\"\\/+<&%$\n\r\t=ü😀".match(/./gsu) ?? []));
const secret = fc.oneof(
  fc.string({ unit: alphabet, minLength: 3, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom("a", "b"), minLength: 3, maxLength: 6 }),
  fc.string({ unit: "binary", minLength: 3 }).map((it) => it.replaceAll("*", "")),
);
const around = fc.string({ unit: alphabet, maxLength: 20 });
const cut = (text: string, sizes: readonly number[]): string[] => {
  const chunks: string[] = [];
  let at = 0;
  for (const size of sizes) chunks.push(text.slice(at, (at += size)));
  return [...chunks, text.slice(at)];
};

describe("whatever the secrets and the text", () => {
  const secrets = fc.array(secret, { minLength: 1, maxLength: 4 });
  const sizes = fc.array(fc.nat({ max: 6 }), { maxLength: 40 });

  it("no form of a secret survives, in any chunking", () => {
    fc.assert(
      fc.property(secrets, fc.array(fc.tuple(around, fc.nat())), sizes, (list, parts, cuts) => {
        const forms = list.flatMap(formsOf);
        const text = parts.map(([before, n]) => before + (forms[n % forms.length] ?? "")).join("");
        const masked = masking(...list).mask(text);
        for (const form of forms) expect(masked).not.toContain(form);
        expect(streamed(masking(...list), cut(text, cuts))).toBe(masked);
      }),
      { numRuns: 2000 },
    );
  });

  it("text without secrets is unchanged", () => {
    fc.assert(
      fc.property(secrets, around, sizes, (list, text, cuts) => {
        fc.pre(!list.flatMap(formsOf).some((it) => text.includes(it)));
        expect(masking(...list).mask(text)).toBe(text);
        expect(streamed(masking(...list), cut(text, cuts))).toBe(text);
      }),
    );
  });

  it("of base64 of something longer, only what its neighbours share is left", () => {
    const bytes = fc.string({ unit: fc.constantFrom("x", "y", "z", "é", "?", "~"), maxLength: 10 });
    const value = fc.stringMatching(/^[a-w0-9?>ü]{3,40}$/);
    fc.assert(
      fc.property(bytes, value, bytes, fc.boolean(), (before, it, after, forUrls) => {
        const encoding = forUrls ? "base64url" : "base64";
        const text = Buffer.from(before + it + after).toString(encoding);
        const left = masking(it).mask(text).replaceAll("***", "").replaceAll("=", "");
        const neighbours = Buffer.byteLength(before + after);
        expect(left.length).toBeLessThanOrEqual(Math.ceil((neighbours * 8) / 6) + 4);
      }),
    );
  });
});

it("masks 10 MB of log with 50 secrets in well under a second", () => {
  const secrets = Array.from({ length: 50 }, (_, n) => `s3cr3t/${(n + 7) ** 9}+${n}`);
  const masker = masking(...secrets);
  const line = (n: number) =>
    `2026-01-01T00:00:00.${n % 1000}Z level=info msg="connected" user=${n} password=${n % 20 === 0 ? secrets[n % 50] : "none"}\n`;
  let log = "";
  for (let n = 0; log.length < 10_000_000; n++) log += line(n);
  const start = performance.now();
  const masked = masker.mask(log);
  const ms = performance.now() - start;
  expect(masked).not.toContain("s3cr3t");
  // About 100 ms alone on one core; the rest is for a busy machine.
  expect(ms).toBeLessThan(1000);
});
