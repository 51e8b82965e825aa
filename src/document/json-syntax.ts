/** Where a text stops being JSON (RFC 8259), for those who sent it: the parser of JavaScript does not say it. */

export interface JsonFault {
  /** Of the first character that cannot be there, in UTF-16 units. */
  readonly offset: number;
  readonly expected: string;
}

const space = /[\t\n\r ]*/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** `undefined`: it is JSON. Without recursion: a text nested deep costs no more than its length. */
export function faultInJson(text: string): JsonFault | undefined {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return false;
    at += found[0].length;
    return true;
  };
  const fault = (expected: string): JsonFault => ({ offset: at, expected });
  const closing: ("}" | "]")[] = [];
  const key = (): JsonFault | undefined => {
    if (!take(string)) return fault("a key in double quotes");
    take(space);
    if (text[at] !== ":") return fault('":"');
    at += 1;
    return undefined;
  };

  for (;;) {
    // A value, and what it opens.
    take(space);
    const first = text[at];
    if (first === "{" || first === "[") {
      at += 1;
      take(space);
      const end = first === "{" ? "}" : "]";
      if (text[at] !== end) {
        closing.push(end);
        const wrong = end === "}" ? key() : undefined;
        if (wrong !== undefined) return wrong;
        continue;
      }
      at += 1;
    } else if (!take(string) && !take(scalar)) {
      return fault(first === '"' ? "a string that ends on its line" : "a value");
    }
    // What follows a value.
    for (;;) {
      take(space);
      const end = closing.at(-1);
      if (end === undefined) return at === text.length ? undefined : fault("the end");
      if (text[at] === end) {
        closing.pop();
        at += 1;
        continue;
      }
      if (text[at] !== ",") return fault(`"," or "${end}"`);
      at += 1;
      take(space);
      const wrong = end === "}" ? key() : undefined;
      if (wrong !== undefined) return wrong;
      break;
    }
  }
}
