/**
 * Replaces secret values in text with `***`, by value and in every form they take (law 7). One pass
 * over the text whatever the number of secrets, and a stream that holds back no more than what may
 * yet turn out to be one.
 */
import { formsOf, longestForm, shortestForm } from "./encodings.ts";

const replacement = "***";

export interface Masker {
  /** From now on masked, in open streams too. Values shorter than three characters are not (encodings.ts). */
  add(value: string): void;
  mask(text: string): string;
  stream(): MaskStream;
}

export interface MaskStream {
  /** @returns what of all that was written is now known to be safe to show, masked */
  write(chunk: string): string;
  /** @returns the rest */
  end(): string;
}

export function createMasker(): Masker {
  const forms = new Set<string>();
  let index: FormIndex | undefined;
  const current = () => (index ??= indexForms(forms));

  return {
    add(value) {
      const before = forms.size;
      for (const form of formsOf(value)) forms.add(form);
      if (forms.size !== before) index = undefined;
    },
    mask: (text) => scan(current(), text, 0, true).shown,
    stream() {
      let rest = { held: "", covered: 0 };
      const go = (chunk: string, isLast: boolean): string => {
        const { shown, ...next } = scan(current(), rest.held + chunk, rest.covered, isLast);
        rest = next;
        return shown;
      };
      return { write: (chunk) => go(chunk, false), end: () => go("", true) };
    },
  };
}

/** Forms by a hash of their first three characters. */
interface FormIndex {
  /** Number of the bucket in `buckets`, 0 for none, by hash. */
  readonly table: Int32Array;
  readonly buckets: readonly Bucket[];
  /** Bits that each character is shifted by; three times as many are kept. */
  readonly bits: number;
  /** First one and two characters of each form: what the end of a text may be the beginning of. */
  readonly beginnings: ReadonlySet<string>;
}

interface Bucket {
  /** Sorted by code unit. */
  readonly forms: string[];
  /** By form, which one is the longest that it begins with; -1 for none. */
  readonly parents: number[];
}

function indexForms(forms: ReadonlySet<string>): FormIndex {
  const bits = forms.size < 4000 ? 5 : 6;
  const table = new Int32Array(1 << (3 * bits));
  const buckets: Bucket[] = [{ forms: [], parents: [] }];
  const beginnings = new Set<string>();
  for (const form of [...forms].toSorted()) {
    let hash = 0;
    for (let at = 0; at < shortestForm; at++) hash = (hash << bits) ^ form.charCodeAt(at);
    hash &= table.length - 1;
    const number = table[hash] || buckets.push({ forms: [], parents: [] }) - 1;
    table[hash] = number;
    const bucket = buckets[number];
    if (bucket !== undefined) append(bucket, form);
    beginnings.add(form.slice(0, 1)).add(form.slice(0, 2));
  }
  return { table, buckets, bits, beginnings };
}

function append({ forms, parents }: Bucket, form: string): void {
  const before = forms.length - 1;
  forms.push(form);
  parents.push(longestBeginning(forms, parents, before, form));
}

/** The longest form that `text` begins with, among `from` and the forms that one begins with; or -1. */
function longestBeginning(
  forms: readonly string[],
  parents: readonly number[],
  from: number,
  text: string,
): number {
  let at = from;
  while (at >= 0 && !text.startsWith(forms[at] ?? "")) at = parents[at] ?? -1;
  return at;
}

interface Scanned {
  readonly shown: string;
  /** Not shown yet: the longest end of the text that may be the beginning of a form. */
  readonly held: string;
  /** How much of `held` is inside of a replacement that is shown already. */
  readonly covered: number;
}

/** Occurrences that overlap become one replacement: no piece of either is left standing between them. */
function scan(index: FormIndex, text: string, covered: number, isLast: boolean): Scanned {
  const { table, bits } = index;
  const mask = table.length - 1;
  const { length } = text;
  let shown = "";
  let maskedEnd = covered;
  let hash = 0;
  for (let at = 0; at < Math.min(shortestForm - 1, length); at++) {
    hash = (hash << bits) ^ text.charCodeAt(at);
  }
  for (let start = 0; start < length; start++) {
    const end = start + shortestForm;
    if (end > length) {
      if (isLast) break;
      if (!index.beginnings.has(text.slice(start))) continue;
      return hold(start);
    }
    hash = ((hash << bits) ^ text.charCodeAt(end - 1)) & mask;
    const number = table[hash] ?? 0;
    const bucket = number === 0 ? undefined : index.buckets[number];
    if (bucket === undefined) continue;

    const found = longestAt(bucket, text, start, isLast);
    if (found === "open") return hold(start);
    if (found === 0) continue;
    if (start >= maskedEnd) shown += text.slice(maskedEnd, start) + replacement;
    maskedEnd = Math.max(maskedEnd, start + found);
  }
  return hold(length);

  function hold(from: number): Scanned {
    shown += text.slice(maskedEnd, Math.max(maskedEnd, from));
    return { shown, held: text.slice(from), covered: Math.max(0, maskedEnd - from) };
  }
}

/** Length of the longest form at `start`, 0 for none; `open` where more text may make a longer one. */
function longestAt(
  { forms, parents }: Bucket,
  text: string,
  start: number,
  isLast: boolean,
): number | "open" {
  const here = text.slice(start, start + longestForm);
  // Number of forms up to `here`: what it begins with sorts before it, what begins with it after it.
  let low = 0;
  for (let high = forms.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((forms[middle] ?? "") <= here) low = middle + 1;
    else high = middle;
  }
  const reachesEnd = start + here.length === text.length;
  if (!isLast && reachesEnd && forms[low]?.startsWith(here) === true) return "open";
  return forms[longestBeginning(forms, parents, low - 1, here)]?.length ?? 0;
}
