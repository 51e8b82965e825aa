/** The rows that keep two runs off one target: free, held by a run, or cooling (E2). */

/** SQL for the key of a target's lock: the whole digest of its name, in hex. */
export const lockOf = (target: string): string =>
  `encode(sha256(convert_to(${target}, 'UTF8')), 'hex')`;
