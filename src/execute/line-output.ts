/** A program's output as whole lines of bounded length, and the end of it: for logs and messages. */

const lineAtMost = 8_192;

export interface LineOutput {
  /** @returns the lines completed by `text`, with their ends */
  write(text: string): string;
  /** @returns the last line, where it has no end of its own */
  end(): string;
}

/** Lines longer than 8,192 characters are cut, and say so. */
export function lineOutput(): LineOutput {
  let line = "";
  let cut = false;
  const take = (part: string) => {
    const room = lineAtMost - line.length;
    if (part.length > room) cut = true;
    line += part.slice(0, room);
  };
  const finish = () => {
    const whole = cut ? `${line} … line cut\n` : `${line}\n`;
    line = "";
    cut = false;
    return whole;
  };
  const write = (text: string) => {
    const parts = text.split("\n");
    const open = parts.pop() ?? "";
    const lines = parts.map((part) => {
      take(part);
      return finish();
    });
    take(open);
    return lines.join("");
  };
  return { write, end: () => (line === "" ? "" : finish()) };
}

export interface Tail {
  add(text: string): void;
  text(): string;
}

/** Keeps the last `atMost` characters, in chunks: adding costs the same however much went by. */
export function tail(atMost: number): Tail {
  const chunks: string[] = [];
  let length = 0;
  const add = (text: string) => {
    chunks.push(text);
    length += text.length;
    for (let first = chunks[0]; first !== undefined; first = chunks[0]) {
      if (length - first.length < atMost) return;
      chunks.shift();
      length -= first.length;
    }
  };
  return { add, text: () => chunks.join("").slice(-atMost) };
}
