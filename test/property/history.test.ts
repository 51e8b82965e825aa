/**
 * Law 1 as a model: random histories, force-pushes and broken files among them, looked at whenever.
 * What stands afterwards is what the model says: nothing is deleted but what a commit removed on an
 * unbroken history, and all of that is.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { openTestDatabase } from "../support/database.ts";
import { openPlatform, type Platform } from "../support/platform.ts";
import type { Files } from "../support/repository.ts";
import { settings, spec } from "../e2e/things.ts";

const appNames = ["alpha", "beta", "gamma", "delta"] as const;
type App = (typeof appNames)[number];

type Step =
  | { readonly kind: "put"; readonly app: App; readonly size: string }
  | { readonly kind: "remove" | "break" | "move"; readonly app: App }
  /** Force-pushes one commit without ancestors, with the tree as it is but for one app. */
  | { readonly kind: "rewrite"; readonly without: App }
  /** Force-pushes the branch back to a commit it was at before. */
  | { readonly kind: "reset"; readonly back: number }
  | { readonly kind: "sync" };

interface AppState {
  readonly size: string;
  readonly path: string;
  readonly broken: boolean;
}

type Tree = ReadonlyMap<App, AppState>;

interface Commit {
  readonly id: string;
  readonly tree: Tree;
  /** With itself. */
  readonly ancestors: ReadonlySet<string>;
}

const steps = (withRewrites: boolean): fc.Arbitrary<Step[]> => {
  const app = fc.constantFrom(...appNames);
  const size = fc.constantFrom("small", "large");
  const forward = [
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("put" as const), app, size }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), app }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const), app }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const), app }) },
    { weight: 4, arbitrary: fc.constant({ kind: "sync" as const }) },
  ];
  const back = [
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("rewrite" as const), without: app }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("reset" as const), back: fc.nat({ max: 3 }) }),
    },
  ];
  return fc.array(fc.oneof(...forward, ...(withRewrites ? back : [])), {
    minLength: 4,
    maxLength: 14,
  });
};

/** Steps of type `secret` alone: no process has to be started for them. */
const provider: Files = {
  "providers/quick/provider.yaml": JSON.stringify({
    apiVersion: "v1",
    kind: "Provider",
    metadata: { name: "quick-team", version: "1.0.0" },
    capabilities: {
      resourceTypeCapabilities: [
        {
          type: "thing",
          operations: Object.fromEntries(
            ["create", "update", "delete"].map((it) => [it, { workflow: "any" }]),
          ),
        },
      ],
    },
    workflows: [{ name: "any", file: "./any.yaml" }],
  }),
  "providers/quick/any.yaml": JSON.stringify({
    apiVersion: "innominatus.io/v1alpha1",
    kind: "Workflow",
    metadata: { name: "any" },
    parameters: [{ name: "size", type: "string" }],
    steps: [{ name: "value", type: "secret", config: {} }],
  }),
  ".innominatus.yaml": settings({ budget: { count: 1_000 } }),
};

/** Every app's resource has a name of its own, or one that goes while another comes is a rename. */
const specOf = (app: App, size: string): string =>
  spec(app, { [`of-${app}`]: { params: { size } } });

const filesOf = (tree: Tree): Record<string, string> =>
  Object.fromEntries(
    [...tree].map(([app, { size, path, broken }]) => [path, broken ? "{" : specOf(app, size)]),
  );

/** The repository as the model knows it, and as git has it. */
class History {
  readonly commits: Commit[] = [];
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get tip(): Commit {
    const tip = this.commits.at(-1);
    if (tip === undefined) throw new Error("there is no commit yet");
    return tip;
  }

  async start(): Promise<void> {
    const id = (await this.#platform.origin.tip()) ?? "";
    this.commits.push({ id, tree: new Map(), ancestors: new Set([id]) });
  }

  async apply(step: Exclude<Step, { kind: "sync" }>): Promise<void> {
    const { origin } = this.#platform;
    const tree = new Map(this.tip.tree);
    if (step.kind === "reset") {
      const target = this.commits.at(-1 - step.back);
      if (target === undefined) return;
      await origin.branch("main", target.id);
      this.commits.push(target);
      return;
    }
    if (step.kind === "rewrite") {
      tree.delete(step.without);
      const id = await origin.rewrite({ ...provider, ...filesOf(tree) });
      this.commits.push({ id, tree, ancestors: new Set([id]) });
      return;
    }
    const before = tree.get(step.app);
    if (step.kind === "put") {
      const path = before?.path ?? `apps/${step.app}/score.yaml`;
      tree.set(step.app, { size: step.size, path, broken: false });
    } else if (before === undefined) {
      return;
    } else if (step.kind === "remove") {
      tree.delete(step.app);
    } else if (step.kind === "break") {
      tree.set(step.app, { ...before, broken: true });
    } else {
      tree.set(step.app, { ...before, path: `apps/${this.commits.length}/score.yaml` });
    }
    const id = await origin.commit(() => ({ ...provider, ...filesOf(tree) }));
    this.commits.push({ id, tree, ancestors: new Set([...this.tip.ancestors, id]) });
  }
}

/** What the law allows, and asks for. */
class Model {
  readonly standing = new Map<App, string>();
  /** Standing, and asked for by the history that was seen last. */
  readonly #wanted = new Set<App>();
  #seen: Commit | undefined;

  look(tip: Commit): void {
    const whole = [...tip.tree.values()].every((it) => !it.broken);
    const unbroken = this.#seen === undefined || tip.ancestors.has(this.#seen.id);
    for (const app of this.standing.keys()) {
      if (tip.tree.has(app)) continue;
      if (!unbroken) this.#wanted.delete(app);
      else if (whole && this.#wanted.has(app)) this.standing.delete(app);
    }
    for (const [app, { size, broken }] of tip.tree) {
      if (broken) continue;
      this.standing.set(app, size);
      this.#wanted.add(app);
    }
    // What is broken may be there or not: whatever it was, it is not known to have been removed.
    if (!unbroken) {
      for (const [app, { broken }] of tip.tree) if (broken) this.#wanted.delete(app);
    }
    this.#seen = tip;
  }
}

async function standingOf(platform: Platform): Promise<Record<string, unknown>> {
  const resources = await platform.resources();
  const standing = resources.filter((it) => it.phase !== "deleted");
  return Object.fromEntries(standing.map((it) => [it.identity, it.params["size"]]));
}

async function expectAtRest(platform: Platform): Promise<void> {
  const [runs, log] = [await platform.runs(), await platform.statusLog()];
  await platform.sync(await platform.replica());
  expect(await platform.runs()).toEqual(runs);
  expect(await platform.statusLog()).toEqual(log);
}

let db: Database;
beforeAll(async () => {
  db = await openTestDatabase("postgres");
});
afterAll(() => db.close());

async function withPlatform(use: (platform: Platform, history: History) => Promise<void>) {
  const platform = await openPlatform(db, () => provider);
  try {
    const history = new History(platform);
    await history.start();
    await use(platform, history);
  } finally {
    await platform.close();
  }
}

it("law 1: deletes exactly what a commit removed on an unbroken history", async () => {
  await fc.assert(
    fc.asyncProperty(steps(true), (script) =>
      withPlatform(async (platform, history) => {
        const model = new Model();
        for (const step of [...script, { kind: "sync" as const }]) {
          if (step.kind !== "sync") {
            await history.apply(step);
            continue;
          }
          model.look(history.tip);
          await platform.sync();
          expect(await standingOf(platform)).toEqual(Object.fromEntries(model.standing));
        }
        await expectAtRest(platform);
      }),
    ),
    { seed: 11, numRuns: 40, interruptAfterTimeLimit: 200_000 },
  );
});

it("ends in the same state, whenever it looked on the way", async () => {
  await fc.assert(
    fc.asyncProperty(steps(false), fc.array(fc.boolean(), { maxLength: 14 }), (script, looks) =>
      withPlatform(async (platform, history) => {
        await withPlatform(async (other, same) => {
          for (const [index, step] of script.entries()) {
            if (step.kind === "sync") await platform.sync();
            else {
              await history.apply(step);
              await same.apply(step);
            }
            if (looks[index] === true) await other.sync();
          }
          // Whatever is broken still is mended at the end.
          for (const [app, { broken, size }] of history.tip.tree) {
            if (!broken) continue;
            await history.apply({ kind: "put", app, size });
            await same.apply({ kind: "put", app, size });
          }
          expect(same.tip.id).toBe(history.tip.id);
          await platform.sync();
          await other.sync();
          const wanted = [...history.tip.tree].map(([app, { size }]) => [app, size]);
          expect(await standingOf(platform)).toEqual(Object.fromEntries(wanted));
          expect(await standingOf(other)).toEqual(Object.fromEntries(wanted));
        });
      }),
    ),
    { seed: 5, numRuns: 15, interruptAfterTimeLimit: 200_000 },
  );
});
