/** When colours are used: on a terminal, unless the environment asks for none (DESIGN.md §10). */
import { plain, type Painter } from "../../plan/render/painter.ts";

export interface Environment {
  readonly [name: string]: string | undefined;
}

/**
 * FORCE_COLOR is stronger than all, `0` and `false` mean never; then NO_COLOR (any value but the
 * empty one), CI and TERM=dumb switch colours off.
 */
export function wantsColour(isTerminal: boolean, environment: Environment): boolean {
  const force = environment["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  if (isSet(environment["NO_COLOR"]) || environment["TERM"] === "dumb") return false;
  return isTerminal && !runsInCi(environment);
}

export const runsInCi = ({ CI }: Environment): boolean => isSet(CI) && CI !== "false" && CI !== "0";

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

export const painterFor = (isTerminal: boolean, environment: Environment): Painter =>
  wantsColour(isTerminal, environment) ? ansi : plain;

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001b[${on}m${text}\u001b[${off}m`;

const ansi: Painter = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  magenta: sgr(35, 39),
  cyan: sgr(36, 39),
};
