/** What renderings of a plan need to know beside its operations: from the bundles of both sides. */
import type { Desired, Recorded } from "../model/resource.ts";
import type { Uid } from "../model/uid.ts";
import type { Bundle } from "../model/workflow.ts";
import type { PlanFacts } from "../plan/render/words.ts";

export function factsOf(
  ...sides: readonly (readonly Pick<Desired | Recorded, "uid" | "bundle">[])[]
): PlanFacts {
  const bundles = new Map<Uid, Bundle[]>();
  for (const { uid, bundle } of sides.flat()) {
    bundles.set(uid, [...(bundles.get(uid) ?? []), bundle]);
  }
  const some = (uid: Uid, is: (bundle: Bundle) => boolean): boolean =>
    bundles.get(uid)?.some(is) ?? false;
  return {
    isStateful: (uid) => some(uid, (it) => it.stateful),
    isSensitive: (uid, path) => {
      const name = path.split("/")[1] ?? "";
      return some(uid, ({ workflows }) =>
        [workflows.create, workflows.update].some((it) =>
          it?.parameters.some((parameter) => parameter.sensitive && parameter.name === name),
        ),
      );
    },
  };
}
