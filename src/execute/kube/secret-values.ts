/** Values of Secrets: outputs point at them, and what has to be put together of them goes to a Secret of ours. */
import { z } from "zod";
import { formatReference } from "../../secrets/reference.ts";
import { failure } from "./failure.ts";
import { nameOf, referenceOf, type KubeObject } from "./object.ts";

const data = z.record(z.string(), z.string()).nullish();

/** Decoded. */
export function valuesOf(secret: KubeObject): Readonly<Record<string, string>> {
  const encoded = data.parse(secret["data"]) ?? {};
  return Object.fromEntries(
    Object.entries(encoded).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString("utf8"),
    ]),
  );
}

/** The same Secret with nothing secret in it. */
export function withoutValues(secret: KubeObject): KubeObject {
  const { data: _, stringData: __, ...rest } = secret;
  return readable(rest, secret);
}

const readable = (rest: Record<string, unknown>, { apiVersion, kind, metadata }: KubeObject) => {
  const { annotations, ...others } = metadata;
  // kubectl keeps a whole manifest there.
  const shown = Object.entries(annotations ?? {}).filter(
    ([name]) => name !== "kubectl.kubernetes.io/last-applied-configuration",
  );
  return {
    ...rest,
    apiVersion,
    kind,
    metadata: { ...others, annotations: Object.fromEntries(shown) },
  };
};

/** The key that a path such as `{.data.password}` or `{.data['tls.key']}` names. */
export function keyInData(path: string): string | undefined {
  const match = /^\{?\$?\.?data(?:\.((?:[^.[\]{}\\]|\\\.)+)|\[['"]([^'"]+)['"]\])\}?$/.exec(
    path.trim(),
  );
  return (match?.[1] ?? match?.[2])?.replaceAll("\\.", ".");
}

/** @throws StepFailedError when the Secret has no such key */
export function referenceTo(secret: KubeObject, key: string): string {
  const { namespace = "", name } = secret.metadata;
  if (!Object.hasOwn(valuesOf(secret), key)) {
    throw failure(
      "ResultsMissing",
      true,
      false,
      `${nameOf(referenceOf(secret))} has no key ${key}`,
    );
  }
  return formatReference({ kind: "k8s", namespace, secret: name, key });
}

/** @throws StepFailedError for a key that is not there */
export function compose(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(
    /\$\(([-._a-zA-Z0-9]+)(\|urlencode)?\)/g,
    (_, key: string, encode?: string) => {
      const value = Object.hasOwn(values, key) ? values[key] : undefined;
      if (value === undefined) {
        throw failure(
          "ResultsMissing",
          true,
          false,
          `the Secret has no key ${key} to put together`,
        );
      }
      return encode === undefined ? value : encodeURIComponent(value);
    },
  );
}
