/**
 * Questions that come while one is under way are asked together, once it is answered: however many
 * ask, the database hears one question at a time. Nothing is kept: every answer is from after its
 * question, so that what was revoked before it is revoked.
 */

const most = 100;

export function together<T>(
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let next: Promise<ReadonlyMap<string, T>> | undefined;
  let keys = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  return async (key) => {
    if (next === undefined || keys.size >= most) {
      const own = new Set<string>();
      keys = own;
      next = last.then(() => {
        // Who comes from here on is not in this question.
        if (keys === own) next = undefined;
        return ask([...own]);
      });
      last = next.catch(() => undefined);
    }
    keys.add(key);
    return (await next).get(key);
  };
}
