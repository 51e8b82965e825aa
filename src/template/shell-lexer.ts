/**
 * Where in a bash script one is: the lexical state behind each stretch of text. What cannot be
 * followed for sure (`case` in `$(…)`, quotes in `"${…}"`) sets `lost`, for good: only values that
 * mean nothing in any state are let in from there on.
 */

export type Place =
  | "code"
  | "single"
  | "double"
  | "ansi"
  | "comment"
  | "heredoc"
  | "raw-heredoc"
  | "brace"
  | "arithmetic"
  | "backtick"
  | "delimiter";

interface Heredoc {
  readonly delimiter: string;
  readonly raw: boolean;
  readonly tabs: boolean;
}

interface Frame {
  readonly place: Place;
  /** Open parentheses in `$(…)` and `$((…))`; `undefined`: the script itself, where `)` closes nothing. */
  depth?: number;
  readonly heredoc?: Heredoc;
  /** A `${…}` in double quotes. */
  readonly doubled?: boolean;
  /** What a `${…}` begins with. */
  start?: string;
}

const maxDepth = 200;
const wordBreak = /[\s;&|()<>]/;
const opener = /^(?:then|do|else|elif|if|while|until|!|\{|time)$/;

export class ShellLexer {
  lost = false;
  readonly #stack: Frame[] = [{ place: "code" }];
  #pending: Heredoc[] = [];
  /** Read as the delimiter of a heredoc, up to here; `undefined`: none is being read. */
  #delimiter: { text: string; raw: boolean; tabs: boolean; quote: string } | undefined;
  /** An unquoted word's text so far, as far as it is literal. */
  #word = "";
  #wordOpen = false;
  #commandPosition = true;
  /** The current line of a heredoc, and whether a value stands in it. */
  #line = "";
  #lineHasValue = false;
  /** `$` or `\` at the very end: what follows belongs to it. */
  #dangling: "$" | "\\" | "" = "";
  #fault: string | undefined;
  #wordHasValue = false;
  /** An empty value stands here, with this literal character before it. */
  #emptyAfter: string | undefined;
  #lastCharacter = "";

  get place(): Place {
    return this.#delimiter === undefined ? this.#top.place : "delimiter";
  }

  get dangling(): "$" | "\\" | "" {
    return this.#dangling;
  }

  /** In the word of an unquoted `${name:-word}`, where quotes are taken off as anywhere else. */
  get inDefaultWord(): boolean {
    const { place, doubled, start = "" } = this.#top;
    return place === "brace" && doubled !== true && /^\w+:?[-+=?]/.test(start);
  }

  get #inHeredoc(): boolean {
    return this.#stack.some((it) => it.heredoc !== undefined);
  }

  get #top(): Frame {
    return this.#stack.at(-1) ?? { place: "code" };
  }

  literal(text: string): void {
    let at = 0;
    if (text !== "" && this.#emptyAfter !== undefined) this.#checkJoin(text.charAt(0));
    while (at < text.length) at = this.#step(text, at);
    this.#lastCharacter = text.at(-1) ?? this.#lastCharacter;
  }

  /** A value that the guard found inert: it changes no state but that of its word and line. */
  value(text: string, quoted: boolean): void {
    if (text === "") {
      this.#emptyAfter ??= this.#lastCharacter;
      return;
    }
    this.#emptyAfter = undefined;
    this.#lastCharacter = "";
    this.#wordHasValue = true;
    this.#wordOpen = true;
    this.#word += quoted ? "\0" : text;
    this.#lineHasValue = true;
    const [first = "", ...others] = text.split("\n");
    this.#line += first;
    for (const line of others) {
      this.#checkLine();
      this.#line = line;
    }
  }

  /** How a value changed the meaning of the literal text behind it, as the end of a sentence. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** An empty value between two characters that mean something together. */
  #checkJoin(next: string): void {
    const before = this.#emptyAfter ?? "";
    this.#emptyAfter = undefined;
    if (this.#top.place !== "code") return;
    const joins = before !== "" && "<>(&|;".includes(before) && "<>(&|;".includes(next);
    if (joins || (next === "#" && !this.#wordOpen)) {
      this.#fault = "is empty, and changes what stands around it";
    }
  }

  finish(): void {
    this.#checkLine();
  }

  #checkLine(): void {
    if (!this.#lineHasValue) return;
    const close = this.#stack.some((it) => it.heredoc && mayClose(this.#line, it.heredoc));
    if (close) this.#fault = "would end the here-document it stands in";
  }

  #push(frame: Frame): void {
    if (this.#stack.length < maxDepth) this.#stack.push(frame);
    else this.lost = true;
  }

  #step(text: string, at: number): number {
    const char = text.charAt(at);
    this.#dangling = "";
    if (this.#delimiter !== undefined) return this.#readDelimiter(text, at);
    if (char === "\n" && this.#inHeredoc && this.#endLine()) return at + 1;
    if (char !== "\n") this.#line += char;
    const inCode = this.#top.place === "code" || this.#top.place === "comment";
    if (char === "\n" && this.#pending.length > 0 && !inCode) this.lost = true;
    const { place } = this.#top;
    switch (place) {
      case "single":
        if (char === "'") this.#stack.pop();
        return at + 1;
      case "comment":
        if (char !== "\n") return at + 1;
        this.#stack.pop();
        return at;
      case "raw-heredoc":
        return at + 1;
      case "ansi":
        if (char === "'") this.#stack.pop();
        return char === "\\" ? this.#escape(text, at) : at + 1;
      case "backtick":
        if (char === "`") this.#stack.pop();
        return char === "\\" ? this.#escape(text, at) : at + 1;
      case "double":
        if (char === '"') {
          this.#stack.pop();
          this.#wordOpen = true;
          return at + 1;
        }
        return this.#expansion(text, at) ?? at + 1;
      case "heredoc":
        return this.#expansion(text, at) ?? at + 1;
      case "brace":
        return this.#brace(text, at);
      case "arithmetic":
        return this.#arithmetic(text, at);
      case "code":
      case "delimiter":
        return this.#code(text, at);
    }
  }

  #escape(text: string, at: number): number {
    if (at + 1 >= text.length) {
      this.#dangling = "\\";
      return at + 1;
    }
    if (text.charAt(at + 1) === "\n") {
      // A joined line of a heredoc: bash looks for its delimiter in the whole of it.
      this.#line = this.#line.slice(0, -1);
      return at + 2;
    }
    this.#line += text.charAt(at + 1);
    return at + 2;
  }

  /** What is special in double quotes and heredocs, and in code too. */
  #expansion(text: string, at: number): number | undefined {
    const char = text.charAt(at);
    if (char === "\\") return this.#escape(text, at);
    if (char === "`") {
      this.#push({ place: "backtick" });
      return at + 1;
    }
    if (char !== "$") return undefined;
    if (text.startsWith("$((", at)) {
      this.#push({ place: "arithmetic", depth: 2 });
      return at + 3;
    }
    if (text.startsWith("$(", at)) {
      this.#push({ place: "code", depth: 1 });
      this.#startCommand();
      return at + 2;
    }
    if (text.startsWith("${", at)) {
      const doubled = this.#stack.some((it) => it.place === "double" || it.place === "heredoc");
      this.#push({ place: "brace", doubled });
      return at + 2;
    }
    if (text.length === at + 1) this.#dangling = "$";
    // `$$` and `$#` are variables: their second character starts nothing.
    return /[$#]/.test(text.charAt(at + 1)) ? at + 2 : at + 1;
  }

  #brace(text: string, at: number): number {
    const char = text.charAt(at);
    this.#top.start = `${this.#top.start ?? ""}${char}`.slice(0, 100);
    if (char === "}") {
      this.#stack.pop();
      this.#wordOpen = true;
      return at + 1;
    }
    if (char === "'" && this.#top.doubled === true) this.lost = true;
    else if (char === "'") this.#push({ place: "single" });
    if (char === '"' && this.#top.doubled === true) this.lost = true;
    else if (char === '"') this.#push({ place: "double" });
    return this.#expansion(text, at) ?? at + 1;
  }

  #arithmetic(text: string, at: number): number {
    const char = text.charAt(at);
    const frame = this.#top;
    if ("'\"".includes(char)) this.lost = true;
    if (char === "(") frame.depth = (frame.depth ?? 0) + 1;
    if (char === ")") {
      frame.depth = (frame.depth ?? 0) - 1;
      // `$((` that closes in two places was a command in a subshell after all.
      if (frame.depth === 1 && text.charAt(at + 1) !== ")") this.lost = true;
      if (frame.depth === 0) this.#stack.pop();
    }
    return this.#expansion(text, at) ?? at + 1;
  }

  #code(text: string, at: number): number {
    const char = text.charAt(at);
    if (char === "'" || char === '"') {
      const ansi = char === "'" && text.charAt(at - 1) === "$" && this.#dollarBefore(text, at);
      this.#push({ place: ansi ? "ansi" : char === "'" ? "single" : "double" });
      this.#openWord("\0");
      return at + 1;
    }
    if (char === "#" && !this.#wordOpen) {
      this.#push({ place: "comment" });
      return at + 1;
    }
    if (text.startsWith("<<", at)) return this.#heredoc(text, at);
    if (wordBreak.test(char)) return this.#break(text, at);
    const expanded = this.#expansion(text, at);
    // A line that goes on in the next one is no word.
    if (text.startsWith("\\\n", at)) return at + 2;
    this.#openWord(expanded === undefined ? char : "\0");
    return expanded ?? at + 1;
  }

  /** `$'`, unless the `$` is escaped or the second of `$$`. */
  #dollarBefore(text: string, at: number): boolean {
    const before = /[\\$]*\$$/.exec(text.slice(Math.max(0, at - 64), at))?.[0] ?? "";
    if (before.length > 1) this.lost = true;
    return before.length === 1;
  }

  #openWord(char: string): void {
    this.#wordOpen = true;
    this.#word += char;
  }

  #break(text: string, at: number): number {
    const char = text.charAt(at);
    const frame = this.#top;
    if ("<>".includes(char)) this.#checkDescriptor();
    const startsCommand = this.#endWord();
    if (char === "\n") {
      this.#startCommand();
      this.#startBodies();
      return at + 1;
    }
    if (char === "(") {
      if (text.charAt(at + 1) === "(" && (startsCommand || this.#afterFor)) {
        this.#push({ place: "arithmetic", depth: 2 });
        this.#afterFor = false;
        return at + 2;
      }
      if (frame.depth !== undefined) frame.depth += 1;
      this.#startCommand();
    }
    if (char === ")") {
      if (frame.depth !== undefined) {
        frame.depth -= 1;
        if (frame.depth === 0) {
          this.#stack.pop();
          this.#wordOpen = true;
          this.#commandPosition = false;
          if (this.#pending.length > 0) this.lost = true;
          return at + 1;
        }
      }
      this.#startCommand();
    }
    if (";&|".includes(char)) this.#startCommand();
    return at + 1;
  }

  #afterFor = false;

  #startCommand(): void {
    this.#word = "";
    this.#wordHasValue = false;
    this.#wordOpen = false;
    this.#commandPosition = true;
  }

  /** @returns whether a command may begin where the word that ends here ended */
  #endWord(): boolean {
    const word = this.#word;
    if (!this.#wordOpen) return this.#commandPosition;
    // The patterns of `case` close parentheses that they did not open.
    if (word === "case" && this.#commandPosition && this.#stack.length > 1) this.lost = true;
    this.#afterFor = word === "for";
    this.#commandPosition = this.#commandPosition && opener.test(word);
    this.#word = "";
    this.#wordHasValue = false;
    this.#wordOpen = false;
    return this.#commandPosition;
  }

  #checkDescriptor(): void {
    if (this.#wordHasValue && /^\d+$/.test(this.#word)) {
      this.#fault = "is a number right before a redirection, which takes it for a file descriptor";
    }
  }

  #heredoc(text: string, at: number): number {
    this.#checkDescriptor();
    this.#endWord();
    if (text.startsWith("<<<", at)) return at + 3;
    const tabs = text.charAt(at + 2) === "-";
    const start = at + (tabs ? 3 : 2);
    this.#delimiter = { text: "", raw: false, tabs, quote: "" };
    return start;
  }

  #readDelimiter(text: string, at: number): number {
    const delimiter = this.#delimiter;
    if (delimiter === undefined) return at;
    const char = text.charAt(at);
    const isBlank = char === " " || char === "\t";
    if (delimiter.text === "" && !delimiter.raw && isBlank) return at + 1;
    if (delimiter.quote !== "") {
      if (char === delimiter.quote) delimiter.quote = "";
      else delimiter.text += char;
      return at + 1;
    }
    if (char === "'" || char === '"') {
      delimiter.raw = true;
      delimiter.quote = char;
      return at + 1;
    }
    if (char === "\\") {
      delimiter.raw = true;
      delimiter.text += text.charAt(at + 1);
      return at + 2;
    }
    if (wordBreak.test(char)) {
      if (delimiter.text === "") this.lost = true;
      this.#pending.push({ delimiter: delimiter.text, raw: delimiter.raw, tabs: delimiter.tabs });
      this.#delimiter = undefined;
      return at;
    }
    if ("$`".includes(char)) this.lost = true;
    delimiter.text += char;
    return at + 1;
  }

  /** The bodies of the heredocs of a line follow it, the first one first. */
  #startBodies(): void {
    for (const heredoc of this.#pending.toReversed()) {
      this.#push({ place: heredoc.raw ? "raw-heredoc" : "heredoc", heredoc });
    }
    this.#pending = [];
    this.#line = "";
    this.#lineHasValue = false;
  }

  /** @returns whether a heredoc ended with the line */
  #endLine(): boolean {
    const line = this.#line;
    this.#checkLine();
    this.#line = "";
    this.#lineHasValue = false;
    const index = this.#stack.findLastIndex((it) => it.heredoc !== undefined);
    const heredoc = this.#stack[index]?.heredoc;
    if (heredoc === undefined || !closes(line, heredoc)) return false;
    // Something that opened in the body is still open where the body ends.
    if (index < this.#stack.length - 1) this.lost = true;
    this.#stack.length = index;
    this.#startCommand(); // words of the body are no words of the script
    return true;
  }
}

const closes = (line: string, { delimiter, tabs }: Heredoc): boolean =>
  (tabs ? line.replace(/^\t+/, "") : line) === delimiter;

/** Inside `$(…)` bash takes `EOF)` for an end too, with a warning. */
const mayClose = (line: string, { delimiter, tabs }: Heredoc): boolean => {
  const bare = tabs ? line.replace(/^\t+/, "") : line;
  return bare === delimiter || bare.startsWith(`${delimiter})`);
};
