/**
 * Text from people's files inside Markdown of ours. On a forge it stays text: no HTML, no link, no
 * mention, no reference to somebody's issue, and no end of a table row or a code block.
 */
import { clip, visible } from "./visible.ts";

const zeroWidthSpace = "&#8203;";

/** Each match is what starts some markup; a forge's own kinds are broken up, the rest is written out. */
const markup =
  /(?<apart>@|#(?=\d)|:(?=\/\/)|\bGH(?=-\d)|\bwww(?=\.))|[&<>|\\`*~[\]$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/giu;

/** For the middle of a line or a table cell. */
export const prose = (text: string): string =>
  visible(text).replaceAll(markup, (it: string, apart?: string) =>
    apart === undefined ? entity(it) : `${it}${zeroWidthSpace}`,
  );

/**
 * As code, in a table cell too. Backticks serve what is made of plain characters; for the rest, they
 * and a table's `|` cannot be had together, so that it is written in entities.
 */
function code(text: string): string {
  const shown = visible(text);
  if (shown === "") return "";
  if (/^[\p{L}\p{N}.#@/:_,=+ -]+$/u.test(shown) && shown.trim() === shown) return `\`${shown}\``;
  return codeElement(shown);
}

/** Where backticks are not read as Markdown: inside an HTML element of ours. */
export const codeElement = (text: string): string =>
  `<code>${visible(text).replaceAll(/[^\p{L}\p{N} /,=+-]/gu, entity)}</code>`;

/** A fenced block that no line of it can end. */
export function fenced(language: string, lines: readonly string[]): string {
  const runs = lines.flatMap((it) => it.match(/`+/g) ?? []).map((it) => it.length);
  const fence = "`".repeat(Math.max(3, ...runs.map((it) => it + 1)));
  return [`${fence}${language}`, ...lines, fence].join("\n");
}

/** @param text Markdown already */
export const link = (text: string, url: string): string =>
  `[${text}](${url.replaceAll(/[\s()<>|\\`"[\]]/g, (it) => `%${it.charCodeAt(0).toString(16).padStart(2, "0")}`)})`;

/** One table row of cells that are Markdown already. */
export const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

export const clippedCode = (text: string): string => code(clip(text, 160));

export const clippedProse = (text: string): string => prose(clip(text, 400));

const entity = (character: string): string => `&#${character.codePointAt(0) ?? 0};`;
