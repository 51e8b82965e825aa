/** The line that nobody sees and by which our comment is found again, whoever looks for it. */

/** One a pull request: of whichever environments its target branch has. */
export const markerOf = (repository: string, environments: readonly string[]): string =>
  `<!-- innominatus:v1 ${plain(repository)} ${environments.length === 0 ? "-" : environments.map(plain).join(",")} -->`;

/** On a commit that came without a pull request. */
export const commitMarkerOf = (repository: string): string =>
  `<!-- innominatus:v1 ${plain(repository)} commit -->`;

/** Nothing that could end the comment, or begin another. */
const plain = (text: string): string => text.replaceAll(/[^A-Za-z0-9._/]/g, "-");
