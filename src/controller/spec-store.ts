/** What the API needs of git: specs read, committed and removed. The controller's side does it. */
import type { Problem } from "../model/problem.ts";
import type { Plan } from "../model/plan.ts";
import type { Scope } from "../model/uid.ts";

export interface Author {
  readonly username: string;
}

export interface SubmittedSpec {
  readonly text: string;
  readonly format: "yaml" | "json";
}

/** Where a spec is to go; what is left out is as the settings say. */
export interface SpecTarget {
  readonly repository?: string | undefined;
  readonly environment?: string | undefined;
}

export interface CommittedSpec extends Scope {
  readonly name: string;
  readonly branch: string;
  readonly file: string;
  readonly commit: string;
  /** False: the branch had exactly this already. */
  readonly changed: boolean;
  readonly pullRequest: { readonly number: number; readonly url: string } | null;
  readonly plan: Plan;
}

export type SpecOutcome =
  | { readonly kind: "committed"; readonly spec: CommittedSpec }
  | { readonly kind: "problems"; readonly problems: readonly Problem[] }
  | {
      readonly kind: "refused";
      readonly reason: "not-found" | "forbidden" | "conflict" | "unavailable" | "ambiguous";
      readonly message: string;
      readonly hint: string;
    };

export interface SpecStore {
  /** @param mayChange whether the author may change a workload of the name */
  submit(
    spec: SubmittedSpec,
    target: SpecTarget,
    author: Author,
    mayChange: (workload: string) => boolean,
    signal: AbortSignal,
  ): Promise<SpecOutcome>;
  remove(
    name: string,
    target: SpecTarget,
    author: Author,
    signal: AbortSignal,
  ): Promise<SpecOutcome>;
  /** Text of a file at a commit; `undefined`: not there, or the repository cannot be read now. */
  read(
    scope: Scope,
    file: string,
    commit: string,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}
