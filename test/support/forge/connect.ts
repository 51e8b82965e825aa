/** Our side of a test forge: without pauses between writes, and without waiting before a second attempt. */
import { createGitea } from "../../../src/report/forge/gitea.ts";
import { createGitHub } from "../../../src/report/forge/github.ts";
import { createGitLab } from "../../../src/report/forge/gitlab.ts";
import type { Forge } from "../../../src/report/forge/forge.ts";
import type { Clock } from "../../../src/model/clock.ts";
import type { TestForge } from "./test-forge.ts";

export interface ConnectOptions {
  readonly clock: Clock;
  /** The right one unless told. */
  readonly token?: string;
}

const impatient = { paced: false, retryBaseMs: 0 };

export function connectTo(world: TestForge, { clock, token = world.token }: ConnectOptions): Forge {
  const { apiUrl, webUrl, repository } = world;
  const common = { apiUrl, webUrl, repository, clock, ...impatient };
  if (world.kind === "gitea") return createGitea({ ...common, token: () => token });
  if (world.kind === "gitlab") return createGitLab({ ...common, token: () => token });
  return createGitHub({ ...common, auth: { kind: "token", token: () => token } });
}

/** A test forge of kind `github` that was opened with `asApp`. */
export function connectAsApp(
  { apiUrl, webUrl, repository, app }: TestForge,
  { clock, privateKey }: { readonly clock: Clock; readonly privateKey: string },
): Forge {
  const { id: appId, installationId } = app;
  const auth = { kind: "app", appId, installationId, privateKey: () => privateKey } as const;
  return createGitHub({ apiUrl, webUrl, repository, clock, ...impatient, auth });
}
