/** Finished objects stay for a day, for whoever wants to look at them, whatever the lock does (E20). */
import { KubeError } from "../kube/kube-error.ts";
import type { Engine } from "./engine.ts";
import { progressOf } from "./status.ts";

const retentionMs = 86_400_000;

/** Deletes what ended longer ago than that. Not being able to is nobody's failure: a later run tries again. */
export async function sweepFinished(engine: Engine, namespace: string, now: Date): Promise<void> {
  try {
    for (const object of await engine.list(namespace)) {
      const { completionTime } = object.status;
      if (completionTime === undefined || progressOf(object).state === "running") continue;
      if (now.getTime() - Date.parse(completionTime) < retentionMs) continue;
      await engine.delete(object.metadata, object.metadata.uid);
    }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
  }
}
