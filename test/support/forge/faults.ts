/** What goes wrong on a test forge: put in before a request, used up by the first ones it fits. */

export interface Seen {
  readonly method: string;
  /** Below the API's address. */
  readonly path: string;
}

export type Fault = (
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly message: string;
    }
  /** The connection breaks before the forge did anything, or after it did all of it. */
  | { readonly kind: "drop"; readonly when: "before" | "after" }
) & { readonly fits: (seen: Seen) => boolean };

type Fits = Fault["fits"];

const any: Fits = () => true;
export const writes = ({ method }: Seen): boolean => method !== "GET";
export const creations = ({ method, path }: Seen): boolean =>
  method === "POST" && /\/(comments|notes)$/.test(path);

/** 429: asked too often. */
export const tooMany = (seconds: number, fits: Fits = any): Fault => ({
  kind: "answer",
  status: 429,
  headers: { "retry-after": String(seconds) },
  message: "Too Many Requests",
  fits,
});

/** GitHub's answer to whoever writes too fast. */
export const secondaryLimit = (seconds: number, fits: Fits = any): Fault => ({
  kind: "answer",
  status: 403,
  headers: { "retry-after": String(seconds) },
  message: "You have exceeded a secondary rate limit. Please wait a few minutes.",
  fits,
});

/** GitHub's answer when the hour's requests are used up. */
export const primaryLimit = (resetAtMs: number, fits: Fits = any): Fault => ({
  kind: "answer",
  status: 403,
  headers: {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(Math.ceil(resetAtMs / 1_000)),
  },
  message: "API rate limit exceeded",
  fits,
});

export const trouble = (status: 500 | 502 | 503 | 504, fits: Fits = any): Fault => ({
  kind: "answer",
  status,
  headers: {},
  message: "Server Error",
  fits,
});

export const forbidden = (permission: string, fits: Fits = any): Fault => ({
  kind: "answer",
  status: 403,
  headers: { "x-accepted-github-permissions": permission },
  message: "Resource not accessible by integration",
  fits,
});

export const dropped = (when: "before" | "after", fits: Fits = any): Fault => ({
  kind: "drop",
  when,
  fits,
});
