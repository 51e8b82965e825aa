/** Identity of a resource within one repository and environment (Score v1b1, resource ids). */

/** `type.class#workload.name`, or `type.class#id` when it is shared. */
export type Uid = `${string}.${string}#${string}`;

/** A watched branch of a watched repository: what every record is scoped by. */
export interface Scope {
  readonly repository: string;
  readonly environment: string;
}

export const formatUid = (type: string, resourceClass: string, id: string): Uid =>
  `${type}.${resourceClass}#${id}`;

export const isUid = (text: string): text is Uid => /^[^.#]+\.[^#]+#.+$/.test(text);

/** @throws {TypeError} for text that is no uid: our own records hold nothing else */
export function parseUid(text: string): Uid {
  if (!isUid(text)) throw new TypeError(`"${text}" is no resource uid (type.class#id)`);
  return text;
}

export function partsOf(uid: Uid): { type: string; class: string; id: string } {
  const dot = uid.indexOf(".");
  const hash = uid.indexOf("#");
  return { type: uid.slice(0, dot), class: uid.slice(dot + 1, hash), id: uid.slice(hash + 1) };
}
