/** One replica: says that it is ready, waits for the word, and tells of each run it ends until it is killed. */
import { once } from "node:events";
import { dispatch } from "../../src/controller/dispatcher.ts";
import { createHints } from "../../src/controller/hints.ts";
import { servicesOn } from "../support/services.ts";
import { noop, openPool } from "./queue.ts";

const [url = "", holder = ""] = process.argv.slice(2);
const db = await openPool(url);
const limits = { workers: 10, workersPerProvider: 40 };
const tell = (word: string): void => void process.send?.(word);
const go = once(process, "message");
tell("ready");
await go;
await dispatch(servicesOn(db, { holder, limits, executors: [noop] }), {
  hints: createHints(),
  drain: new AbortController().signal,
  onWorking: () => undefined,
  onWorked: (outcome) => {
    if (outcome === "done") tell("done");
  },
});
