/** A guide's fenced blocks, in their order: files, commands, what they print, and parts of files. */

export interface Block {
  /** Of its first line in the guide. */
  readonly line: number;
  readonly language: string;
  /** What follows the language: `run`, or `key=value`; a word alone has the value "". */
  readonly info: ReadonlyMap<string, string>;
  readonly text: string;
}

export function blocksIn(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { readonly line: number; readonly head: string; readonly lines: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (!line.startsWith("```")) {
      open?.lines.push(line);
    } else if (open === undefined) {
      open = { line: index + 2, head: line.slice(3), lines: [] };
    } else {
      const [language = "", ...words] = open.head.trim().split(/ +/);
      const pairs = words.map((it): [string, string] => {
        const [key = "", value = ""] = it.split("=");
        return [key, value];
      });
      const text = open.lines.map((it) => `${it}\n`).join("");
      blocks.push({ line: open.line, language, info: new Map(pairs), text });
      open = undefined;
    }
  }
  return blocks;
}
