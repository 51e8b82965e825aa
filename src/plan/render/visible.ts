/**
 * Text from people's files, made safe to show on one line: nothing in a spec may move a cursor,
 * end a table row or turn the reading direction around.
 */

const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const named: { readonly [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Control, format and separator characters written out, as `\n` or `\u{202e}`. */
export const visible = (text: string): string =>
  text.replaceAll(hidden, (it) => named[it] ?? `\\u{${(it.codePointAt(0) ?? 0).toString(16)}}`);

/** At most `length` characters, the last of them `…` where something was cut off. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}

/** `2026-11-22 10:00 UTC`; what is no time is shown as it is. */
export function utc(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return visible(time);
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export const shortCommit = (commit: string): string => visible(commit).slice(0, 8);

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
