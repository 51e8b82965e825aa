/** A step's durable note: what it needs to find again what it made (E16). Shown, so it holds no secret. */
import type { Masker } from "../secrets/mask.ts";
import type { Journal } from "./journal.ts";
import type { StepContext } from "./step-type.ts";

/** More than names and identities of what was made is no note. */
const longest = 16_384;

export const noteWriter =
  (journal: Pick<Journal, "note">, step: string, masker: Masker): StepContext["writeNote"] =>
  async (note, event) => {
    const text = JSON.stringify(note);
    if (masker.mask(text) !== text) {
      throw new Error(`step ${step}: a secret value is in what it notes down`);
    }
    if (text.length > longest) {
      throw new Error(`step ${step}: a note of ${text.length} characters; ${longest} at most`);
    }
    await journal.note(step, note, event);
  };
