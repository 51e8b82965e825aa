/** Gitea's REST API over a test world, as far as we use it; its shapes are those that its own swagger names. */
import type {
  Comment,
  CommitStatus,
  PullRequest,
  Reaction,
  RepoCollaboratorPermission,
  Repository,
  User,
} from "gitea-js";
import { dispatch, ok, pageOf, route, textOf, type ApiCall, type ApiReply } from "./flavour.ts";
import { having } from "./having.ts";
import type { ForgeWorld, WorldComment, WorldPullRequest, WorldUser } from "./world.ts";

/** What a server has unless it is configured otherwise. */
const paging = { size: "limit", usual: 30, most: 50 };

export function giteaFlavour(
  world: ForgeWorld,
  webUrl: string,
): (call: ApiCall) => ApiReply | Promise<ApiReply> {
  const root = `/repos/${world.repository}`;
  const address = `${webUrl}/${world.repository}`;
  const [owner = "", name = ""] = world.repository.split("/");

  const user = (it: WorldUser): User => ({
    id: it.id,
    login: it.login,
    html_url: `${webUrl}/${it.login}`,
  });
  const repository = (of: string): Repository => ({
    full_name: `${of}/${name}`,
    name,
    html_url: `${webUrl}/${of}/${name}`,
  });
  const pull = (it: WorldPullRequest) =>
    ({
      number: it.number,
      title: it.title,
      body: it.body,
      state: it.state === "open" ? "open" : "closed",
      draft: it.draft,
      user: user(it.author),
      html_url: `${address}/pulls/${it.number}`,
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      merged: it.state === "merged",
      ...(it.mergedAt === undefined ? {} : { merged_at: it.mergedAt }),
      ...(it.closedAt === undefined ? {} : { closed_at: it.closedAt }),
      ...(it.mergeCommit === undefined ? {} : { merge_commit_sha: it.mergeCommit }),
      head: {
        label: it.headBranch,
        ref: it.fork === undefined ? it.headBranch : `refs/pull/${it.number}/head`,
        sha: it.headCommit,
        repo: repository(it.fork ?? owner),
      },
      base: { label: it.base, ref: it.base, sha: it.headCommit, repo: repository(owner) },
    }) satisfies Omit<PullRequest, "state"> & { readonly state: "open" | "closed" };
  const comment = (it: WorldComment) => {
    const number = it.on.kind === "pull-request" ? it.on.number : 0;
    return {
      id: it.id,
      body: it.body,
      user: user(it.author),
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      html_url: `${address}/pulls/${number}#issuecomment-${it.id}`,
      issue_url: "",
      pull_request_url: `${address}/pulls/${number}`,
    } satisfies Comment;
  };

  const routes = [
    route("GET", "/user", () => ok(user(world.self))),
    route("GET", `${root}/pulls`, (call) => {
      const state = call.query.get("state") ?? "open";
      const found = [...world.pullRequests.values()].filter(
        (it) => state === "all" || (it.state === "open") === (state === "open"),
      );
      const recent = (a: WorldPullRequest, b: WorldPullRequest): number =>
        Date.parse(b.updatedAt) - Date.parse(a.updatedAt);
      const ordered = call.query.get("sort") === "recentupdate" ? found.toSorted(recent) : found;
      return pageOf(call, ordered, paging, pull);
    }),
    route("POST", `${root}/pulls`, async (call) => {
      const [branch, target] = [textOf(call, "head"), textOf(call, "base")];
      const same = [...world.pullRequests.values()].some(
        (it) => it.state === "open" && it.headBranch === branch && it.base === target,
      );
      if (same) return refusal(409, "pull request already exists for these targets");
      if ((await world.git.tip(`refs/heads/${branch}`)) === undefined) return notFound;
      const asked = { title: textOf(call, "title"), branch, base: target, by: world.self.login };
      return ok(pull(await world.open({ ...asked, body: textOf(call, "body") })), 201);
    }),
    route("GET", `${root}/pulls/:number`, (_, [number]) => {
      const found = world.pullRequests.get(Number(number));
      return found === undefined ? notFound : ok(pull(found));
    }),
    route("GET", `${root}/commits/:sha/pull`, async (_, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      const found = commit === undefined ? [] : await having(world, commit);
      const merged = found.find((it) => it.state === "merged");
      return merged === undefined ? notFound : ok(pull(merged));
    }),
    route("GET", `${root}/issues/comments`, (call) => {
      const since = Date.parse(call.query.get("since") ?? "");
      const found = [...world.comments.values()].filter(
        (it) => it.on.kind === "pull-request" && !(Date.parse(it.updatedAt) < since),
      );
      return pageOf(call, found, paging, comment);
    }),
    route("GET", `${root}/issues/:number/comments`, (_, [number]) =>
      ok(world.commentsOf(Number(number)).map(comment)),
    ),
    route("POST", `${root}/issues/:number/comments`, (call, [number]) =>
      ok(comment(world.comment(Number(number), world.self.login, textOf(call, "body"))), 201),
    ),
    route("PATCH", `${root}/issues/comments/:id`, (call, [id]) => {
      const found = world.comments.get(Number(id));
      if (found === undefined) return notFound;
      world.editComment(found.id, textOf(call, "body"));
      return ok(comment(found));
    }),
    route("DELETE", `${root}/issues/comments/:id`, (_, [id]) => {
      if (!world.comments.has(Number(id))) return notFound;
      world.deleteComment(Number(id));
      return { status: 204, body: undefined };
    }),
    route("POST", `${root}/issues/comments/:id/reactions`, (call, [id]) => {
      const found = world.comments.get(Number(id));
      if (found === undefined) return notFound;
      const content = textOf(call, "content");
      const known = found.reactions.some((it) => it.content === content && it.by === world.self);
      if (!known) found.reactions.push({ by: world.self, content });
      return ok({ content, user: user(world.self) } satisfies Reaction, known ? 200 : 201);
    }),
    route("GET", `${root}/collaborators/:login/permission`, (_, [login = ""]) => {
      const found = world.users.get(login);
      if (found === undefined) return notFound;
      const { permission } = found;
      return ok({
        permission,
        role_name: permission,
        user: user(found),
      } satisfies RepoCollaboratorPermission);
    }),
    route("POST", `${root}/statuses/:sha`, async (call, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      if (commit === undefined) return notFound;
      const [state, context] = [textOf(call, "state"), textOf(call, "context")];
      const description = textOf(call, "description");
      const targetUrl = textOf(call, "target_url");
      const id = world.nextId();
      const made = { id, commit, context, state, description, targetUrl: targetUrl || undefined };
      world.statuses.push(made);
      const told = { id, context, description, target_url: targetUrl } satisfies CommitStatus;
      return ok({ ...told, status: state }, 201);
    }),
  ];
  return (call) => dispatch(routes, call) ?? notFound;
}

const refusal = (status: number, message: string): ApiReply => ({
  status,
  body: { message, url: "https://forge.test/api/swagger" },
});

const notFound = refusal(404, "The target couldn't be found.");
