/**
 * Wakes waiting steps when what they wait for changes: one watch per collection, shared, holding no
 * worker. Only a hint: a watch that dies is not missed for longer than one poll (E30).
 */
import type { Cluster } from "./cluster.ts";
import { readObject, type KubeObject } from "./object.ts";
import { collectionPath, type ResourceKind } from "./discovery.ts";

export interface WatchHub {
  /**
   * Calls `wake` once, when an object of this name changes after `resourceVersion`.
   * Replaces an earlier call for the same `key`.
   */
  follow(wanted: Followed): void;
  /** Ends all watches. */
  close(): void;
}

export interface Followed {
  readonly cluster: Cluster;
  readonly kind: ResourceKind;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
  /** Of the object or collection that was looked at. */
  readonly resourceVersion: string;
  /** Who waits. */
  readonly key: string;
  readonly wake: () => void;
}

interface Watch {
  readonly waiting: Map<string, { readonly names: readonly string[]; readonly wake: () => void }>;
  /** Newest version seen by name: what changed while somebody was about to wait. */
  readonly seen: Map<string, string>;
  readonly stop: AbortController;
}

/** The server ends it then; who still waits finds the rest by polling, and starts another. */
const watchSeconds = "600";
const seenAtMost = 10_000;

export function createWatchHub(): WatchHub {
  const watches = new Map<string, Watch>();

  const run = async (id: string, watch: Watch, wanted: Followed): Promise<void> => {
    const { cluster, kind, namespace, resourceVersion } = wanted;
    const query = { resourceVersion, allowWatchBookmarks: "true", timeoutSeconds: watchSeconds };
    try {
      const events = cluster.watch(collectionPath(kind, namespace), query, watch.stop.signal);
      for await (const { type, object } of events) {
        if (type !== "BOOKMARK") tell(watch, readObject(object).metadata);
        // Nobody waits any more: the next who does starts another.
        if (watch.waiting.size === 0) break;
      }
    } catch {
      // Why it ended is of no use to anybody: polling goes on, and meets the same trouble if it lasts.
    } finally {
      watch.stop.abort();
      if (watches.get(id) === watch) watches.delete(id);
    }
  };

  return {
    follow(wanted) {
      const { cluster, kind, namespace, names, resourceVersion, key, wake } = wanted;
      const id = JSON.stringify([cluster.key, collectionPath(kind, namespace)]);
      const running = watches.get(id);
      if (running !== undefined) {
        // It changed between the look and now, and the watch has told so already.
        if (names.some((it) => isNewer(running.seen.get(it), resourceVersion))) return wake();
        running.waiting.set(key, { names, wake });
        return;
      }
      const watch: Watch = {
        waiting: new Map([[key, { names, wake }]]),
        seen: new Map(),
        stop: new AbortController(),
      };
      watches.set(id, watch);
      void run(id, watch, wanted);
    },
    close() {
      for (const { stop } of watches.values()) stop.abort();
      watches.clear();
    },
  };
}

function tell(watch: Watch, { name, resourceVersion = "" }: KubeObject["metadata"]): void {
  if (watch.seen.size >= seenAtMost) watch.seen.clear();
  watch.seen.set(name, resourceVersion);
  for (const [key, { names, wake }] of watch.waiting) {
    if (!names.includes(name)) continue;
    watch.waiting.delete(key);
    wake();
  }
}

/** Numbers in etcd; where they are none, a needless look is made rather than one missed. */
function isNewer(seen: string | undefined, than: string): boolean {
  if (seen === undefined) return false;
  const [a, b] = [Number(seen), Number(than)];
  return Number.isNaN(a) || Number.isNaN(b) ? seen !== than : a > b;
}
