/** What has to be closed in the end, however far the beginning came: last opened, first closed. */

export interface Closing {
  add(close: () => Promise<void> | void): void;
  /** All of it, whatever fails on the way. @throws what failed first */
  close(): Promise<void>;
}

export function createClosing(): Closing {
  const open: (() => Promise<void> | void)[] = [];
  return {
    add: (close) => void open.push(close),
    async close() {
      const failures: unknown[] = [];
      for (let close = open.pop(); close !== undefined; close = open.pop()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
