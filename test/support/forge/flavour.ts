/** How a test forge's API is written down: routes over the world, with pages as the forge has them. */
export interface ApiCall {
  readonly method: string;
  /** Below the API's address. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  /** The call's address, for links to further pages. */
  readonly url: URL;
}

export interface ApiReply {
  readonly status: number;
  /** `undefined`: none at all. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (call: ApiCall, parts: readonly string[]) => ApiReply | Promise<ApiReply>;

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

/** `:name` stands for one part of the path, and is handed over decoded. */
export function route(method: string, path: string, handler: Handler): Route {
  const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, "([^/]+)")}$`);
  return { method, pattern, handler };
}

export function dispatch(
  routes: readonly Route[],
  call: ApiCall,
): ApiReply | Promise<ApiReply> | undefined {
  for (const { method, pattern, handler } of routes) {
    const found = method === call.method ? pattern.exec(call.path) : null;
    if (found !== null) return handler(call, found.slice(1).map(decodeURIComponent));
  }
  return undefined;
}

export const ok = (body: unknown, status = 200): ApiReply => ({ status, body });

export const textOf = (call: ApiCall, field: string): string => {
  const value = call.body[field];
  return typeof value === "string" ? value : "";
};

interface Paging {
  readonly size: string;
  readonly usual: number;
  readonly most: number;
}

/** One page of a list, with the header that says where the next one is. */
export function pageOf<T>(
  { query, url }: ApiCall,
  all: readonly T[],
  { size, usual, most }: Paging,
  render: (item: T) => unknown,
): ApiReply {
  const page = Number(query.get("page") ?? 1);
  const count = Math.min(Number(query.get(size) ?? usual), most);
  const items = all.slice((page - 1) * count, page * count);
  const next = new URL(url);
  next.searchParams.set("page", String(page + 1));
  const more = page * count < all.length;
  const body = items.map(render);
  return more
    ? { status: 200, body, headers: { link: `<${next.href}>; rel="next"` } }
    : { status: 200, body };
}
