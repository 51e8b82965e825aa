/** A platform whose repository is on a forge, with people, and controllers that look when they are told. */
import { explainWith } from "../../../src/cli/pull-requests.ts";
import { openPullRequests, type PullRequests } from "../../../src/controller/pull-requests.ts";
import type { Forge, ForgeKind } from "../../../src/report/forge/forge.ts";
import type { Database } from "../../../src/store/database.ts";
import { forgetComments } from "../../../src/store/pull-requests.ts";
import { connectAsApp, connectTo } from "../../support/forge/connect.ts";
import { openTestForge, type TestForge } from "../../support/forge/test-forge.ts";
import { openPlatform, type Platform, type Replica } from "../../support/platform.ts";
import type { Files } from "../../support/repository.ts";
import { runningClock } from "../../support/step.ts";
import { thingsProvider } from "../things.ts";

const { signal } = new AbortController();

export interface Scene {
  readonly forge: TestForge;
  readonly platform: Platform;
  /** Looks at git and the forge until nothing is left to publish; performs no run. */
  look(): Promise<void>;
  /** The same, with every run performed. */
  settle(): Promise<void>;
  /** One pass, and no more: how long until there is something to do again. */
  pass(on?: PullRequests): Promise<number | undefined>;
  /** A controller that has just started, with nothing remembered; what it asks of the forge may go wrong. */
  restart(wrap?: (forge: Forge) => Forge): void;
  /** What happens every hour: comments are looked at again, whatever is known of them. */
  verify(): Promise<void>;
  /** Another controller, on the same store. */
  another(): Promise<PullRequests>;
  /** Our comments on a pull request, as anybody sees them. */
  comments(number: number): readonly string[];
  /** The one comment, in words that are the same for every run of a test. */
  comment(number: number): string;
  /** `context: state`, sorted. */
  statuses(commit: string): readonly string[];
  close(): Promise<void>;
}

export interface SceneOptions {
  readonly kind?: ForgeKind;
  readonly files?: Files;
  readonly commitComments?: boolean;
  /** On GitHub, we are an App with this key, and not a person's token. */
  readonly appKey?: string;
}

export async function openScene(db: Database, options: SceneOptions = {}): Promise<Scene> {
  const { kind = "github", files = {}, commitComments = false, appKey } = options;
  let opened: TestForge | undefined;
  const platform = await openPlatform(
    db,
    (root) => ({ ...thingsProvider(root), ...files }),
    async (all) => {
      opened = await openTestForge({ kind, files: all, asApp: appKey !== undefined });
      return opened.git;
    },
  );
  if (opened === undefined) throw new Error("the forge is not open");
  const forge: TestForge = opened;
  const connect = (): Forge =>
    appKey === undefined
      ? connectTo(forge, { clock: runningClock })
      : connectAsApp(forge, { clock: runningClock, privateKey: appKey });
  const open = (
    { services, repository }: Replica,
    wrap: (forge: Forge) => Forge = (it) => it,
  ): PullRequests =>
    openPullRequests(services, repository, platform.catalogOf, {
      forge: wrap(connect()),
      commitComments,
      explain: explainWith(services),
    });
  let pulls = open(platform);

  const pass: Scene["pass"] = async (on = pulls) => (await on.pass(true, signal)).againMs;
  const quiet = async (): Promise<void> => {
    for (let tries = 0; tries < 20; tries++) {
      const againMs = await pass();
      if (againMs === undefined) return;
      await platform.advance(againMs);
    }
    throw new Error("the pull requests do not come to rest");
  };
  const own = (number: number): readonly string[] =>
    forge
      .commentsOf(number)
      .filter((it) => it.author.id === forge.self.id)
      .map((it) => it.body);

  await platform.pass();
  await pass();
  return {
    forge,
    platform,
    pass,
    async look() {
      await platform.pass();
      await quiet();
    },
    async settle() {
      await platform.sync();
      await quiet();
    },
    restart(wrap) {
      pulls = open(platform, wrap);
    },
    verify: () => forgetComments(db, platform.scope.repository, undefined),
    another: async () => open(await platform.replica()),
    comments: own,
    comment(number) {
      const [body, second] = own(number);
      if (body === undefined || second !== undefined) {
        throw new Error(`${own(number).length} comments of ours on ${number}`);
      }
      return normalised(body, { forge, platform });
    },
    statuses: (commit) =>
      [...forge.statusesOf(commit).values()].map((it) => `${it.context}: ${it.state}`).toSorted(),
    async close() {
      await forge.close();
      await platform.close();
    },
  };
}

/** What differs from run to run is numbered as it comes. */
function normalised(body: string, { forge, platform }: Pick<Scene, "forge" | "platform">): string {
  const seen = new Map<string, string>();
  const numbered =
    (what: string) =>
    (id: string): string => {
      const known = [...seen].find(([it]) => it.startsWith(id) || id.startsWith(it));
      if (known !== undefined) return known[1];
      const name = `${what}-${[...seen.values()].filter((it) => it.startsWith(what)).length + 1}`;
      seen.set(id, name);
      return name;
    };
  return (
    body
      .replaceAll(forge.webUrl, "https://forge.example")
      .replaceAll(platform.scope.repository, "platform")
      .replaceAll(platform.root, "/root")
      .replaceAll(/\b[0-9a-f]{64}\b/g, numbered("hash"))
      .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "run")
      .replaceAll(/\b[0-9a-f]{40}\b/g, numbered("commit"))
      // One in forty has digits only, which elsewhere may be anything.
      .replaceAll(/(?<=`)[0-9a-f]{8}(?=`)/g, numbered("commit"))
      .replaceAll(/\b(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8}\b/g, numbered("commit"))
      .replaceAll(/\d\d:\d\d:\d\d UTC/g, "hh:mm:ss UTC")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "a time")
      .replaceAll(/\d+(\.\d)? s\b/g, "some s")
  );
}
