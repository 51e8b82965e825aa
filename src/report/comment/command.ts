/** What somebody asks for in a comment: a line of its own that begins with `/innominatus`. */

export type Command =
  | { readonly kind: "plan" }
  | { readonly kind: "approve"; readonly hash: string }
  | { readonly kind: "retry"; readonly resource: string }
  | { readonly kind: "why"; readonly resource: string }
  | { readonly kind: "help" }
  | { readonly kind: "unknown" };

/** The first command outside of code blocks and quotations; `undefined`: the comment has none. */
export function commandIn(body: string): Command | undefined {
  let fence: string | undefined;
  for (const line of body.slice(0, 65_536).split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
      continue;
    }
    if (mark !== undefined) {
      fence = mark;
      continue;
    }
    const found = /^ {0,3}\/innominatus(?:\s+(.*))?$/.exec(line);
    if (found !== null) return parse((found[1] ?? "").trim().split(/\s+/));
  }
  return undefined;
}

function parse([verb = "", argument, ...rest]: readonly string[]): Command {
  if (rest.length > 0) return { kind: "unknown" };
  if (argument === undefined) {
    if (verb === "plan" || verb === "help") return { kind: verb };
    return { kind: "unknown" };
  }
  const plain = argument.replace(/^`(.*)`$/, "$1");
  if (verb === "approve" && /^[0-9a-f]{8,64}$/.test(plain)) return { kind: "approve", hash: plain };
  if (verb === "retry" || verb === "why") return { kind: verb, resource: plain };
  return { kind: "unknown" };
}
