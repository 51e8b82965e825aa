/**
 * Specs that come through the API become commits: checked and planned on the very tree that would be
 * pushed, pushed without force, and made anew on the new tip when somebody else was first.
 */
import { decodeText } from "../document/bytes.ts";
import { parseFile } from "../document/file.ts";
import { isRecord, type JsonRecord } from "../model/json.ts";
import { isError, type Problem } from "../model/problem.ts";
import type { Scope } from "../model/uid.ts";
import { parseSpecFile } from "../desired/spec-file.ts";
import { commitFile, PathTakenError, type FileChange } from "../report/file-commit.ts";
import type { ApiSettings } from "../settings/api.ts";
import { FetchError } from "../source/fetch-error.ts";
import type { Mirror } from "../source/mirror.ts";
import { listEnvironments, type KnownEnvironment } from "../store/environments.ts";
import { appendEvents } from "../store/events.ts";
import { findWorkloads } from "../store/workload-pages.ts";
import { stringify } from "yaml";
import type { Repository } from "./repository.ts";
import type { Services } from "./services.ts";
import { propose, proposalOf, type OpenedPullRequest, type PullRequests } from "./spec-proposal.ts";
import type { Author, SpecOutcome, SpecStore, SpecTarget, SubmittedSpec } from "./spec-store.ts";

export interface SpecsOptions {
  readonly services: Pick<Services, "db" | "clock">;
  readonly settings: Pick<ApiSettings, "repository" | "environment" | "path" | "mode">;
  /** `undefined`: not opened yet, as its remote is away. */
  readonly repositoryOf: (repository: string) => OpenedRepository | undefined;
  /** `undefined`: the repository is on no forge that is configured. */
  readonly forgeOf: (repository: string) => PullRequests | undefined;
}

/** What the controller's own loop works with: looks of both share what they have read. */
type OpenedRepository = Pick<Repository, "mirror" | "preview">;

type Refused = Extract<SpecOutcome, { kind: "refused" }>;

const attempts = 5;

export function createSpecs(options: SpecsOptions): SpecStore {
  const { services, repositoryOf } = options;
  return {
    async submit(spec, target, author, mayChange, signal) {
      const read = readSubmitted(spec);
      if ("problems" in read) return { kind: "problems", problems: read.problems };
      const { name, text } = read;
      if (!mayChange(name)) {
        return refused("forbidden", `you may not change ${name}`, "ask for a role in its team");
      }
      const place = await findPlace(options, target);
      if ("kind" in place) return place;
      return tellingWhy(
        carryOut(options, place, name, author, signal, async (tip) => {
          const file = await fileFor(options, place, name, tip, signal);
          return "kind" in file ? file : { path: file.path, content: text, verb: "Submit" };
        }),
      );
    },

    async remove(name, target, author, signal) {
      const place = await findPlace(options, target);
      if ("kind" in place) return place;
      return tellingWhy(
        carryOut(options, place, name, author, signal, async (tip) => {
          const file = await fileFor(options, place, name, tip, signal);
          if ("kind" in file) return file;
          if (file.exists) return { path: file.path, content: undefined, verb: "Remove" };
          const where = `${place.scope.environment} of ${place.scope.repository}`;
          return refused("not-found", `git has no spec ${name} for ${where}`, "see GET /api/specs");
        }),
      );
    },

    async read({ repository }, file, commit, signal) {
      try {
        const snapshot = await repositoryOf(repository)?.mirror.snapshot(commit, signal);
        const content = (await snapshot?.read([file], signal))?.get(file);
        return content instanceof Uint8Array ? new TextDecoder().decode(content) : undefined;
      } catch (error) {
        if (error instanceof FetchError) return undefined;
        throw error;
      }
    },
  };

  /** What the branch gets is decided on its tip, and decided anew on each new one. */
  async function carryOut(
    { settings, forgeOf }: SpecsOptions,
    { scope, branch, mirror, preview }: Place,
    name: string,
    { username }: Author,
    signal: AbortSignal,
    decide: (tip: string) => Promise<Decided | Refused>,
  ): Promise<SpecOutcome> {
    const { db, clock } = services;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const tip = await mirror.resolve(branch);
      if (tip === undefined) {
        return refused("conflict", `the branch ${branch} is not there`, "push a first commit");
      }
      const decided = await decide(tip);
      if ("kind" in decided) return decided;
      const change = changeOf(decided, name, scope, username, clock.now());
      const commit = await commitFile(mirror.gitdir, tip, change).catch((error: unknown) => {
        if (error instanceof PathTakenError) return error;
        throw error;
      });
      if (commit instanceof PathTakenError) {
        return refused("conflict", commit.message, "set `api.path` to another, or move it");
      }
      const look = await preview(scope.environment, commit ?? tip, signal);
      const problems = look.plan.problems.filter((it) => it.file === decided.path);
      if (problems.some(isError)) return { kind: "problems", problems };
      const result = {
        ...scope,
        name,
        branch,
        file: decided.path,
        commit: commit ?? tip,
        plan: look.plan,
      };
      if (commit === undefined) {
        return { kind: "committed", spec: { ...result, changed: false, pullRequest: null } };
      }
      const push =
        settings.mode === "commit"
          ? await mirror.push(branch, commit, tip, signal)
          : await mirror.push(proposalOf(name, commit), commit, undefined, signal);
      if (push === "refused") {
        await mirror.fetch(signal);
        continue;
      }
      let pullRequest: OpenedPullRequest | null = null;
      if (settings.mode === "pull-request") {
        const forge = forgeOf(scope.repository);
        const head = proposalOf(name, commit);
        const opened = await propose(forge, mirror, { change, head, base: branch, commit }, signal);
        if (!opened.ok) return refused("unavailable", opened.message, opened.hint);
        pullRequest = opened.pullRequest;
      }
      const removed = decided.content === undefined;
      await db.transaction(async (tx) => {
        const type = removed ? "SpecRemoved" : "SpecSubmitted";
        const data: JsonRecord = { workload: name, file: decided.path, branch };
        const fact = { ...scope, type, actor: username, commit, correlation: look.plan.hash, data };
        await appendEvents(tx, [fact], clock.now().getTime());
        await tx.query(`select pg_notify('innominatus', 'submitted')`);
      });
      return { kind: "committed", spec: { ...result, changed: true, pullRequest } };
    }
    const message = `the push to ${branch} was refused ${attempts} times, each on a new tip`;
    return refused("unavailable", message, "try again");
  }
}

/** What keeps git from taking the commit is the caller's to know, and often to mend. */
const tellingWhy = (outcome: Promise<SpecOutcome>): Promise<SpecOutcome> =>
  outcome.catch((error: unknown) => {
    if (error instanceof FetchError) return refused("unavailable", error.message, error.hint);
    throw error;
  });

interface Decided {
  readonly path: string;
  /** `undefined`: removed. */
  readonly content: string | undefined;
  readonly verb: string;
}

const refused = (reason: Refused["reason"], message: string, hint: string): Refused => ({
  kind: "refused",
  reason,
  message,
  hint,
});

function changeOf(
  { path, content, verb }: Decided,
  name: string,
  { environment }: Scope,
  username: string,
  at: Date,
): FileChange {
  const local = username.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-");
  return {
    path,
    content,
    author: { name: username, email: `${local}@users.noreply.innominatus.dev` },
    subject: `${verb} ${name} in ${environment}`,
    trailers: [["Innominatus-Submitted-By", username]],
    at,
  };
}

/** JSON is kept as YAML, as people will edit it. */
function readSubmitted({
  text,
  format,
}: SubmittedSpec): { readonly name: string; readonly text: string } | { problems: Problem[] } {
  const file = "score.yaml";
  const { documents, names, problems } = parseSpecFile(file, {
    ok: true,
    value: text,
    problems: [],
  });
  if (problems.some(isError)) return { problems: [...problems] };
  const [document, second] = documents;
  const at = { file, line: 1, column: 1, pointer: "", severity: "error" } as const;
  const all = parseFile(file, text).documents.filter((it) => it.value !== undefined);
  if (document === undefined || second !== undefined || all.length > 1) {
    const code = "repository/one-spec";
    const message = `found ${documents.length} Score specs in ${all.length} documents, expected one`;
    return { problems: [{ ...at, code, message, hint: "submit each spec for itself" }] };
  }
  const [name] = names;
  if (name === undefined || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    const message = "the spec has no name that can be a workload's";
    const hint = "set metadata.name: lower-case letters, digits and dashes, 63 at most";
    const place = document.at(["metadata", "name"]);
    return { problems: [{ ...at, ...place, code: "score/name", message, hint }] };
  }
  if (format === "yaml") return { name, text: text.endsWith("\n") ? text : `${text}\n` };
  const { value } = document;
  return { name, text: isRecord(value) ? stringify(value) : text };
}

interface Place {
  readonly scope: Scope;
  readonly branch: string;
  readonly mirror: Mirror;
  readonly preview: Repository["preview"];
}

async function findPlace(
  { services, settings, repositoryOf, forgeOf }: SpecsOptions,
  target: SpecTarget,
): Promise<Place | Refused> {
  const repository = target.repository ?? settings.repository;
  const environment = target.environment ?? settings.environment;
  const fits = (it: KnownEnvironment): boolean =>
    (repository === undefined || it.repository === repository) &&
    (environment === undefined || it.environment === environment);
  const all = await listEnvironments(services.db);
  const [found, second] = all.filter(fits);
  const names = all.map((it) => `${it.repository}/${it.environment}`).join(", ");
  if (found === undefined) {
    const hint = names === "" ? "the first look at a repository is yet to come" : `known: ${names}`;
    return refused("not-found", "there is no such environment", hint);
  }
  if (second !== undefined) {
    const hint = `add ?environment= (and ?repository=), or set api.environment; known: ${names}`;
    return refused("ambiguous", "the spec may be for several environments", hint);
  }
  const repositoryOpened = repositoryOf(found.repository);
  if (repositoryOpened === undefined) {
    const message = `the repository ${found.repository} has not been reached yet`;
    return refused("unavailable", message, "see GET /health, and try again");
  }
  if (settings.mode === "pull-request" && forgeOf(found.repository) === undefined) {
    const message = `the repository ${found.repository} is on no forge that is configured`;
    return refused("unavailable", message, "configure its forge, or set api.mode to commit");
  }
  const scope = { repository: found.repository, environment: found.environment };
  return { scope, branch: found.branch, ...repositoryOpened };
}

/** Where the workload is now, or where the settings put it; never a file that others share. */
async function fileFor(
  { services, settings }: SpecsOptions,
  { scope, mirror }: Place,
  name: string,
  tip: string,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly exists: boolean } | Refused> {
  const [recorded] = await findWorkloads(services.db, { ...scope, workloads: null }, name);
  const own = recorded?.file;
  const wanted = settings.path.replaceAll("{name}", name);
  const snapshot = await mirror.snapshot(tip, signal);
  const path = own !== undefined && snapshot.entries.has(own) ? own : wanted;
  const content = (await snapshot.read([path], signal)).get(path);
  if (content === undefined) return { path, exists: false };
  if (content === "too-large") {
    return refused("conflict", `${path} is too large to be read`, "make the change in git");
  }
  const { documents, names } = parseSpecFile(path, decodeText(path, content));
  const isOwn = documents.length <= 1 && names.every((it) => it === name);
  if (isOwn && (own === path || names.length === 1)) return { path, exists: true };
  const others = names.filter((it) => it !== name).join(", ") || "something else";
  return refused("conflict", `${path} holds ${others} too`, "make the change in git");
}
