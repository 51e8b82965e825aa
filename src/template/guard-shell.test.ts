import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { TemplateError } from "./errors.ts";
import { parseTemplate } from "./parse.ts";
import { renderTemplate } from "./render.ts";

function render(text: string, x: string): string {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`template: ${JSON.stringify(parsed.faults)}`);
  return renderTemplate(parsed.template, { x, parameters: { x } }, "shell");
}

function verdict(text: string, x: string): string {
  try {
    render(text, x);
    return "accepted";
  } catch (error) {
    if (error instanceof TemplateError) return "refused";
    throw error;
  }
}

function bash(script: string): string {
  const done = spawnSync("bash", ["--norc", "-c", script], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
    env: { PATH: "/bin:/usr/bin" },
    timeout: 5000,
  });
  return done.stdout + done.stderr;
}

const raw = "{{ .x }}";
const quoted = "{{ .x | shellQuote }}";

test.each([
  ["a plain word outside of quotes", `echo ${raw}`, "a-b_c.d/e:f@1%+,=", "accepted"],
  ["nothing outside of quotes", `echo ${raw} x`, "", "accepted"],
  ["a space outside of quotes", `echo ${raw}`, "a b", "refused"],
  ["a command outside of quotes", `echo ${raw}`, "a;b", "refused"],
  ["a glob outside of quotes", `echo ${raw}`, "*", "refused"],
  ["a tilde outside of quotes", `echo ${raw}`, "~", "refused"],
  ["anything quoted", `echo ${quoted}`, "a'b\n$(c)`d`\\", "accepted"],
  ["NUL, quoted too", `echo ${quoted}`, "a\0b", "refused"],
  ["text in double quotes", `echo "a ${raw} b"`, "c;d 'e' *\n|", "accepted"],
  ["a dollar in double quotes", `echo "${raw}"`, "$HOME", "refused"],
  ["a backtick in double quotes", `echo "${raw}"`, "`id`", "refused"],
  ["a backslash in double quotes", `echo "${raw}"`, "a\\", "refused"],
  ["a double quote in double quotes", `echo "${raw}"`, '";id;"', "refused"],
  ["a quoted value in double quotes", `echo "${quoted}"`, "a", "refused"],
  ["text in single quotes", `echo '${raw}'`, '$(id) `id` "\\', "accepted"],
  ["a single quote in single quotes", `echo '${raw}'`, "'", "refused"],
  ["a quoted value in single quotes", `echo '${quoted}'`, "a", "refused"],
  ["a backslash in ANSI quotes", `echo $'${raw}'`, "\\x27", "refused"],
  ["text in ANSI quotes", `echo $'a${raw}'`, "$(id)", "accepted"],
  ["after an escaped single quote", `echo \\'${raw}`, "a;b", "refused"],
  ["after an escaped double quote", `echo "\\"${raw}"`, "a;b", "accepted"],
  ["after a backslash", `echo "a\\${raw}"`, "a", "refused"],
  ["after a dollar", `echo "$${raw}"`, "HOME", "refused"],
  ["quoted after a dollar", `echo $${quoted}`, "a", "refused"],
  ["in a comment", `echo a # ${raw}\necho b`, "it's; $(id)", "accepted"],
  ["a line break in a comment", `echo a # ${raw}`, "x\nid", "refused"],
  ["a quoted line break in a comment", `echo a # ${quoted}`, "x\nid", "refused"],
  ["a hash inside of a word", `echo a#'${raw}'`, "b;c", "accepted"],
  ["a quote in a comment opens nothing", `# don't\necho ${raw}`, "a;b", "refused"],
  ["a comment after a joined line", `echo a \\\n# don't\necho ${raw}`, "a;b", "refused"],
  ["in a here-document", `cat <<EOF\na ${raw} b\nEOF\n`, "c 'd' \"e\"; f", "accepted"],
  ["a dollar in a here-document", `cat <<EOF\n${raw}\nEOF\n`, "$(id)", "refused"],
  ["a dollar in a raw here-document", `cat <<'EOF'\n${raw}\nEOF\n`, "$(id) `id` '", "accepted"],
  ["a backslash in the delimiter", `cat <<\\EOF\n${raw}\nEOF\n`, "$(id)", "accepted"],
  ["the delimiter in a raw here-document", `cat <<'EOF'\n${raw}\nEOF\n`, "a\nEOF\nid", "refused"],
  ["the delimiter alone", `cat <<EOF\n${raw}\nEOF\n`, "EOF", "refused"],
  ["a part of the delimiter", `cat <<EOF\n${raw}F\nEOF\n`, "EO", "refused"],
  ["the delimiter behind tabs", `cat <<-EOF\n\t${raw}\n\tEOF\n`, "EOF", "refused"],
  ["the delimiter where the text ends", `cat <<EOF\n${raw}`, "EOF", "refused"],
  ["the delimiter within a line", `cat <<EOF\nx ${raw}\nEOF\n`, "EOF", "accepted"],
  ["quotes in a here-document open nothing", `cat <<EOF\nit's\nEOF\necho ${raw}`, "a;b", "refused"],
  ["behind a here-document", `cat <<A <<'B'\n\nA\n$'\nB\necho '${raw}'`, "a;b", "accepted"],
  [
    "in a comment behind a here-document",
    `cat <<EOF\n${raw}\nEOF\n# it's ${raw}\n`,
    "a\nid",
    "refused",
  ],
  ["a here-string is none", `cat <<<"${raw}"\necho '${raw}'`, "a;b", "accepted"],
  ["as a delimiter", `cat <<${raw}\n`, "EOF", "refused"],
  ["in a substitution in quotes", `echo "$(echo ${raw})"`, "a;b", "refused"],
  ["quoted in a substitution in quotes", `echo "$(echo ${quoted})"`, "a;b", "accepted"],
  ["in quotes in a substitution in quotes", `echo "$(echo "${raw}")"`, "a;b", "accepted"],
  ["behind a substitution in quotes", `echo "$(echo a) ${raw}"`, "a;b", "accepted"],
  ["behind case in a substitution", `echo "$(case a in a) echo ${raw};; esac)"`, "a;b", "refused"],
  ["behind case", `case a in a) echo '${raw}';; esac`, "a;b", "accepted"],
  ["in backticks", `echo \`echo '${raw}'\``, "a b", "refused"],
  ["a word in backticks", `echo \`echo '${raw}'\``, "ab", "accepted"],
  ["in an expansion", `echo "\${T:-${raw}}"`, "a}b", "refused"],
  ["a word in an expansion", `echo "\${T:-${raw}}"`, "tok-en", "accepted"],
  ["quoted in an expansion", `echo \${T:-${quoted}}`, "a}b", "accepted"],
  ["quoted in an expansion in quotes", `echo "\${T:-${quoted}}"`, "a", "refused"],
  ["quoted in a subscript", `echo \${a[${quoted}]}`, "b", "refused"],
  ["in arithmetic", `echo $(( 1 << ${raw} ))`, "2", "accepted"],
  ["a subscript in arithmetic", `echo $(( ${quoted} ))`, "a[$(id)]", "refused"],
  ["behind a shift", `(( a = 1 << 2 ))\necho '${raw}'`, "a;b", "accepted"],
  [
    "behind a loop's shift",
    `for ((i=0; i < 1<<1; i++)); do echo '${raw}'; done`,
    "a;b",
    "accepted",
  ],
  ["a number before a redirection", `echo ${raw}>/dev/null`, "2", "refused"],
  ["a number, then a redirection", `echo ${raw} >/dev/null`, "2", "accepted"],
  ["two numbers before a redirection", `echo ${raw}${raw}>/dev/null`, "2", "refused"],
  ["nothing before a hash", `echo ${raw}#a`, "", "refused"],
  ["nothing between two signs", `cat <${raw}<EOF`, "", "refused"],
])("%s", (_, text, x, expected) => {
  expect(verdict(text, x)).toBe(expected);
});

describe("a refusal", () => {
  const message = (text: string, x: string): TemplateError => {
    try {
      render(text, x);
    } catch (error) {
      if (error instanceof TemplateError) return error;
    }
    throw new Error("accepted");
  };

  it("names the reference, the function and the variable, and never the value", () => {
    const error = message("echo {{ .parameters.x }}", "s3cret;id");
    expect(error.message).toContain(".parameters.x");
    expect(error.hint).toContain("shellQuote");
    expect(error.hint).toContain("$PARAM_X");
    expect(`${error.message}${error.hint}${String(error.stack)}`).not.toContain("s3cret");
    expect(error.offset).toBe(8);
  });

  it("names the value that ends a here-document", () => {
    expect(message(`cat <<EOF\n{{ .parameters.x }}\nEOF\n`, "EOF").message).toContain(
      "here-document",
    );
  });
});

const hostile = fc.oneof(
  fc.constantFrom(
    "';echo PW{N,}ED;'",
    '";echo PW{N,}ED;"',
    "$(echo PW{N,}ED)",
    "`echo PW{N,}ED`",
    "\necho PW{N,}ED\n",
    "EOF\necho PW{N,}ED\n",
    "\\",
    "'",
    '"',
    "}",
    ")",
    ";echo PW{N,}ED",
    "|echo PW{N,}ED",
    "#",
    "\n",
    "$",
    "a\nEOF",
    "};echo PW{N,}ED",
    "$HOME",
    "1",
    "",
    "x y",
    "EOF",
  ),
  fc
    .array(
      fc.constantFrom(
        "'",
        '"',
        "`",
        "$",
        "\\",
        "(",
        ")",
        "{",
        "}",
        "\n",
        ";echo PW{N,}ED;",
        " ",
        "#",
        "&",
        "|",
        "<",
        ">",
        "EOF",
        "a",
        "!",
        "*",
      ),
      { maxLength: 5 },
    )
    .map((it) => it.join("")),
);

it("prints any value that it lets in as it is (bash says)", { timeout: 60_000 }, () => {
  const places = [
    `printf %s ${quoted}`,
    `printf %s "${raw}"`,
    `printf %s '${raw}'`,
    `printf %s "$(printf '%s.' ${quoted})"`,
    `x=${quoted}; printf %s "$x"`,
  ];
  let ran = 0;
  for (const [place, x] of fc.sample(fc.tuple(fc.constantFrom(...places), hostile), {
    seed: 7,
    numRuns: 400,
  })) {
    if (verdict(place, x) === "refused") continue;
    ran += 1;
    expect(bash(render(place, x))).toBe(place.includes("%s.") ? `${x}.` : x);
  }
  expect(ran).toBeGreaterThan(200);
});

it(
  "lets no value in that runs anything, wherever it stands (bash says)",
  { timeout: 120_000 },
  () => {
    const hole = fc.constantFrom(raw, raw, quoted);
    const fragment = fc.letrec<{ line: string; word: string }>((tie) => ({
      word: fc.oneof(
        { maxDepth: 2 },
        hole,
        fc.constantFrom(
          "a",
          "'b c'",
          '"d"',
          "\\'",
          '\\"',
          "$'e\\'f'",
          "${U:-g}",
          "$((1<<2))",
          "a#b",
          "$#",
          "$$",
          "\\\n",
          "{",
          "}",
        ),
        hole.map((it) => `"x ${it}"`),
        hole.map((it) => `'y ${it}'`),
        hole.map((it) => `$'z ${it}'`),
        hole.map((it) => `\${U:-${it}}`),
        hole.map((it) => `"\${U:-${it}}"`),
        hole.map((it) => `$((0${it}))`),
        hole.map((it) => `pre${it}`),
        tie("word").map((it) => `"$(echo ${it})"`),
        tie("word").map((it) => `$(echo ${it} # c\n)`),
        tie("word").map((it) => `\`echo ${it}\``),
        tie("word").map((it) => `"$(case a in a) echo ${it};; esac)"`),
        fc.tuple(tie("word"), tie("word")).map(([a, b]) => `"$( (echo ${a}); echo "q" ${b})"`),
      ),
      line: fc.oneof(
        { maxDepth: 3 },
        fc.array(tie("word"), { minLength: 1, maxLength: 3 }).map((it) => `echo ${it.join(" ")}`),
        hole.map((it) => `# it's ${it}`),
        hole.map((it) => `cat <<EOF\nit's "${it}\n${it}\nEOF`),
        tie("word").map((it) => `cat <<EOF\n$(echo ${it})\nEOF`),
        hole.map((it) => `cat <<'EOF'\n$( ' ${it}\n${it}\nEOF`),
        hole.map((it) => `cat <<-EOF\n\t${it}\n\tEOF`),
        hole.map((it) => `cat <<<${it}`),
        hole.map((it) => `case a in a) echo ${it};; esac`),
        hole.map((it) => `(( 1 << 2 )); echo "${it}"`),
        fc.tuple(hole, hole).map(([a, b]) => `x=$(cat <<EOF\n${a}\nEOF\n); echo "${b}"`),
        fc.tuple(tie("line"), tie("line")).map(([a, b]) => `if true; then\n${a}\nfi\n${b}`),
        fc.tuple(tie("line"), tie("line")).map(([a, b]) => `${a}\n${b}`),
      ),
    }));
    let ran = 0;
    const tail = fc.constantFrom(`echo '${raw}'`, `echo "${raw}"`, `echo ${quoted}`, "");
    const cases = fc.tuple(fragment.line, tail, hostile);
    for (const [line, end, x] of fc.sample(cases, { seed: 11, numRuns: 2500 })) {
      const text = `${line}\n${end}\n`;
      if (verdict(text, x) === "refused" || /^[\w ]*$/.test(x)) continue;
      ran += 1;
      const script = render(text, x);
      if (bash(script).includes("PWNED"))
        throw new Error(`${JSON.stringify(x)} runs in\n${script}`);
    }
    process.stdout.write(`shell: ${ran} scripts run\n`);
    expect(ran).toBeGreaterThan(100);
  },
);
