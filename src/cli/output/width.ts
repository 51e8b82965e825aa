/** How many columns of a terminal a text takes (Unicode UAX #11 and #29, as terminals read them). */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

const invisible = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}]*$/u;
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

// Segmenting costs microseconds a character, and nearly all text is this.
const simple = /^[\u0020-\u007e]*$/;

const graphemes = (text: string): string[] =>
  Array.from(segmenter.segment(text), ({ segment }) => segment);

const columnsOf = (grapheme: string): number => {
  if (invisible.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
};

/** Of text without escape sequences: measure first, paint after. */
export function displayWidth(text: string): number {
  if (simple.test(text)) return text.length;
  return graphemes(text).reduce((sum, it) => sum + columnsOf(it), 0);
}

export const padTo = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - displayWidth(text)));

/** At most `width` columns, the last of them `…` where something was cut off. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const it of graphemes(text)) {
    used += columnsOf(it);
    if (used > width - 1) break;
    kept += it;
  }
  return width < 1 ? "" : `${kept}…`;
}
