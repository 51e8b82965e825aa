/** GitHub's REST API over a test world, as far as we use it; every answer is filled up to GitHub's description. */
import { dispatch, ok, pageOf, route, textOf, type ApiCall, type ApiReply } from "./flavour.ts";
import { having } from "./having.ts";
import { githubContract } from "./openapi.ts";
import type {
  ForgeWorld,
  WorldCheckRun,
  WorldComment,
  WorldPullRequest,
  WorldUser,
} from "./world.ts";

const paging = { size: "per_page", usual: 30, most: 100 };
const bodyLimit = 65_536;

export interface GitHubApp {
  readonly id: string;
  readonly slug: string;
  readonly installationId: string;
  readonly installationToken: string;
}

export function githubFlavour(
  world: ForgeWorld,
  webUrl: string,
  app: GitHubApp,
): (call: ApiCall) => ApiReply | Promise<ApiReply> {
  const contract = githubContract();
  const fill = (schema: string, values: Readonly<Record<string, unknown>>) =>
    contract.fill(schema, values);
  const root = `/repos/${world.repository}`;
  const address = `${webUrl}/${world.repository}`;

  const user = (it: WorldUser) =>
    fill("simple-user", { id: it.id, login: it.login, html_url: `${webUrl}/${it.login}` });
  const repositoryOf = (owner: string) => {
    const name = world.repository.split("/")[1] ?? "";
    const values = { full_name: `${owner}/${name}`, name, owner: user(world.user(owner)) };
    return fill("repository", { ...values, html_url: `${webUrl}/${owner}/${name}` });
  };
  const owner = world.repository.split("/")[0] ?? "";
  const base = repositoryOf(owner);
  const pull = (schema: string) => (it: WorldPullRequest) =>
    fill(schema, {
      number: it.number,
      title: it.title,
      body: it.body,
      state: it.state === "open" ? "open" : "closed",
      draft: it.draft,
      user: user(it.author),
      html_url: `${address}/pull/${it.number}`,
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      closed_at: it.closedAt ?? null,
      merged_at: it.mergedAt ?? null,
      merge_commit_sha: it.mergeCommit ?? null,
      head: {
        ref: it.headBranch,
        sha: it.headCommit,
        label: `${it.fork ?? owner}:${it.headBranch}`,
        repo: it.fork === undefined ? base : repositoryOf(it.fork),
        user: user(world.user(it.fork ?? owner)),
      },
      base: {
        ref: it.base,
        sha: it.headCommit,
        label: `${owner}:${it.base}`,
        repo: base,
        user: user(world.user(owner)),
      },
      ...(schema === "pull-request" ? { merged: it.state === "merged" } : {}),
    });
  const comment = (it: WorldComment) => {
    const place =
      it.on.kind === "commit"
        ? `commit/${it.on.commit}#commitcomment-`
        : `pull/${it.on.number}#issuecomment-`;
    return fill(it.on.kind === "commit" ? "commit-comment" : "issue-comment", {
      id: it.id,
      body: it.body,
      user: user(it.author),
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      html_url: `${address}/${place}${it.id}`,
      ...(it.on.kind === "commit" ? { commit_id: it.on.commit } : {}),
    });
  };
  const check = (it: WorldCheckRun) =>
    fill("check-run", {
      id: it.id,
      head_sha: it.commit,
      name: it.name,
      status: "completed",
      conclusion: it.conclusion,
      output: {
        title: it.title,
        summary: it.summary,
        text: null,
        annotations_count: it.annotations.length,
        annotations_url: `${webUrl}/annotations`,
      },
    });

  const commentsOn = (wanted: (it: WorldComment) => boolean) =>
    [...world.comments.values()].filter(wanted);
  const create = (call: ApiCall, on: WorldComment["on"]): ApiReply => {
    const body = textOf(call, "body");
    if (body.length > bodyLimit) return refusal(422, "Validation Failed");
    if (on.kind === "pull-request")
      return ok(comment(world.comment(on.number, world.self.login, body)), 201);
    const at = world.now();
    const made = { id: world.nextId(), on, author: world.self, body, createdAt: at, updatedAt: at };
    const kept: WorldComment = { ...made, reactions: [] };
    world.comments.set(kept.id, kept);
    return ok(comment(kept), 201);
  };
  const edit = (call: ApiCall, id: string): ApiReply => {
    const found = world.comments.get(Number(id));
    if (found === undefined) return refusal(404, "Not Found");
    if (textOf(call, "body").length > bodyLimit) return refusal(422, "Validation Failed");
    world.editComment(found.id, textOf(call, "body"));
    return ok(comment(found));
  };
  const remove = (id: string): ApiReply => {
    if (!world.comments.has(Number(id))) return refusal(404, "Not Found");
    world.deleteComment(Number(id));
    return { status: 204, body: undefined };
  };

  const routes = [
    route("GET", "/user", () =>
      ok(fill("public-user", { id: world.self.id, login: world.self.login })),
    ),
    route("GET", "/app", () => ok(fill("integration", { id: Number(app.id), slug: app.slug }))),
    route("POST", "/app/installations/:id/access_tokens", (_, [id]) =>
      id === app.installationId
        ? ok(
            fill("installation-token", {
              token: app.installationToken,
              expires_at: new Date(Date.now() + 3_600_000).toISOString(),
              permissions: { pull_requests: "write" },
              repository_selection: "selected",
            }),
            201,
          )
        : refusal(404, "Not Found"),
    ),
    route("GET", `${root}/pulls`, (call) => {
      const { query } = call;
      const state = query.get("state") ?? "open";
      const found = [...world.pullRequests.values()]
        .filter((it) => state === "all" || (it.state === "open") === (state === "open"))
        .filter((it) => {
          const head = query.get("head");
          return head === null || head === `${it.fork ?? owner}:${it.headBranch}`;
        })
        .filter((it) => (query.get("base") ?? it.base) === it.base);
      const ordered = query.get("direction") === "asc" ? found : found.toReversed();
      return pageOf(call, ordered, paging, pull("pull-request-simple"));
    }),
    route("POST", `${root}/pulls`, async (call) => {
      const [branch, target] = [textOf(call, "head"), textOf(call, "base")];
      const same = [...world.pullRequests.values()].some(
        (it) => it.state === "open" && it.headBranch === branch && it.base === target,
      );
      const exists = (await world.git.tip(`refs/heads/${branch}`)) !== undefined;
      if (same || !exists) return refusal(422, "Validation Failed");
      const asked = { title: textOf(call, "title"), branch, base: target, by: world.self.login };
      return ok(
        pull("pull-request")(await world.open({ ...asked, body: textOf(call, "body") })),
        201,
      );
    }),
    route("GET", `${root}/pulls/:number`, (_, [number]) => {
      const found = world.pullRequests.get(Number(number));
      return found === undefined ? refusal(404, "Not Found") : ok(pull("pull-request")(found));
    }),
    route("GET", `${root}/commits/:sha/pulls`, async (call, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      if (commit === undefined) return refusal(422, `No commit found for SHA: ${sha}`);
      const found = await having(world, commit);
      return pageOf(call, found, paging, pull("pull-request-simple"));
    }),
    route("GET", `${root}/issues/comments`, (call) => {
      const since = call.query.get("since") ?? "";
      const found = commentsOn(
        (it) => it.on.kind === "pull-request" && Date.parse(it.updatedAt) >= Date.parse(since),
      ).toSorted((a, b) => Date.parse(a.updatedAt) - Date.parse(b.updatedAt) || a.id - b.id);
      return pageOf(call, found, paging, comment);
    }),
    route("GET", `${root}/issues/:number/comments`, (call, [number]) =>
      pageOf(call, world.commentsOf(Number(number)), paging, comment),
    ),
    route("POST", `${root}/issues/:number/comments`, (call, [number]) =>
      create(call, { kind: "pull-request", number: Number(number) }),
    ),
    route("PATCH", `${root}/issues/comments/:id`, (call, [id = ""]) => edit(call, id)),
    route("DELETE", `${root}/issues/comments/:id`, (_, [id = ""]) => remove(id)),
    route("POST", `${root}/issues/comments/:id/reactions`, (call, [id]) => {
      const found = world.comments.get(Number(id));
      if (found === undefined) return refusal(404, "Not Found");
      const content = textOf(call, "content");
      const known = found.reactions.some((it) => it.content === content && it.by === world.self);
      if (!known) found.reactions.push({ by: world.self, content });
      const reaction = fill("reaction", { content, user: user(world.self) });
      return ok(reaction, known ? 200 : 201);
    }),
    route("GET", `${root}/commits/:sha/comments`, (call, [sha]) =>
      pageOf(
        call,
        commentsOn((it) => it.on.kind === "commit" && it.on.commit === sha),
        paging,
        comment,
      ),
    ),
    route("POST", `${root}/commits/:sha/comments`, (call, [commit = ""]) =>
      create(call, { kind: "commit", commit }),
    ),
    route("PATCH", `${root}/comments/:id`, (call, [id = ""]) => edit(call, id)),
    route("DELETE", `${root}/comments/:id`, (_, [id = ""]) => remove(id)),
    route("GET", `${root}/collaborators/:login/permission`, (_, [login = ""]) => {
      const found = world.users.get(login);
      if (found === undefined) return refusal(404, `${login} is not a user`);
      const permission = found.permission;
      return ok(
        fill("repository-collaborator-permission", {
          permission,
          role_name: permission,
          user: null,
        }),
      );
    }),
    route("POST", `${root}/statuses/:sha`, async (call, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      if (commit === undefined) return refusal(422, `No commit found for SHA: ${sha}`);
      const [state, context] = [textOf(call, "state"), textOf(call, "context")];
      const description = textOf(call, "description");
      if (description.length > 140) return refusal(422, "Validation Failed");
      const targetUrl = textOf(call, "target_url") || undefined;
      const made = { id: world.nextId(), commit, context, state, description, targetUrl };
      world.statuses.push(made);
      const at = world.now();
      return ok(
        fill("status", {
          id: made.id,
          state,
          context,
          description,
          target_url: targetUrl ?? "",
          creator: user(world.self),
          created_at: at,
          updated_at: at,
        }),
        201,
      );
    }),
    route("GET", `${root}/commits/:sha/check-runs`, (call, [sha]) => {
      const name = call.query.get("check_name");
      const found = world.checkRuns.filter((it) => it.commit === sha && it.name === name);
      const latest = found.slice(-1);
      return ok({ total_count: latest.length, check_runs: latest.map(check) });
    }),
    route("POST", `${root}/check-runs`, (call) => {
      const made: WorldCheckRun = {
        id: world.nextId(),
        commit: textOf(call, "head_sha"),
        name: textOf(call, "name"),
        conclusion: "",
        title: "",
        summary: "",
        annotations: [],
      };
      world.checkRuns.push(made);
      return updateCheck(made, call, check, 201);
    }),
    route("PATCH", `${root}/check-runs/:id`, (call, [id]) => {
      const found = world.checkRuns.find((it) => it.id === Number(id));
      return found === undefined ? refusal(404, "Not Found") : updateCheck(found, call, check, 200);
    }),
  ];
  return (call) => dispatch(routes, call) ?? refusal(404, "Not Found");
}

export const refusal = (status: number, message: string): ApiReply => ({
  status,
  body: { message, documentation_url: "https://docs.github.com/rest", status: String(status) },
});

function updateCheck(
  it: WorldCheckRun,
  call: ApiCall,
  render: (it: WorldCheckRun) => unknown,
  status: number,
): ApiReply {
  const output = call.body["output"];
  const given: Readonly<Record<string, unknown>> =
    typeof output === "object" && output !== null ? { ...output } : {};
  const annotations = Array.isArray(given["annotations"]) ? given["annotations"] : [];
  if (annotations.length > 50) return refusal(422, "Validation Failed");
  it.conclusion = textOf(call, "conclusion");
  it.title = typeof given["title"] === "string" ? given["title"] : "";
  it.summary = typeof given["summary"] === "string" ? given["summary"] : "";
  it.annotations.push(...annotations.map((one: unknown) => Object.assign({}, one)));
  return ok(render(it), status);
}
