/** GitLab's REST API over a test world, as far as we use it; its shapes are those that its kept client names. */
import type {
  AwardEmojiSchema,
  CommitStatusSchema,
  CondensedMemberSchema,
  CondensedMergeRequestSchema,
  DiscussionNoteSchema,
  DiscussionSchema,
  MergeRequestSchema,
} from "@gitbeaker/rest";
import { dispatch, ok, pageOf, route, textOf, type ApiCall, type ApiReply } from "./flavour.ts";
import { having } from "./having.ts";
import type { ForgeWorld, WorldComment, WorldPullRequest, WorldUser } from "./world.ts";

const paging = { size: "per_page", usual: 20, most: 100 };
const projectId = 7;

export function gitlabFlavour(
  world: ForgeWorld,
  webUrl: string,
): (call: ApiCall) => ApiReply | Promise<ApiReply> {
  const address = `${webUrl}/${world.repository}`;
  const [owner = ""] = world.repository.split("/");

  const user = (it: WorldUser) =>
    ({
      id: it.id,
      name: it.login,
      username: it.login,
      state: "active",
      avatar_url: "",
      web_url: `${webUrl}/${it.login}`,
    }) satisfies CondensedMemberSchema;
  const states = { open: "opened", closed: "closed", merged: "merged" } as const;
  const mergeRequest = (it: WorldPullRequest) => {
    const condensed = {
      id: 1_000 + it.number,
      iid: it.number,
      project_id: projectId,
      title: it.title,
      description: it.body,
      state: states[it.state],
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      web_url: `${address}/-/merge_requests/${it.number}`,
    } satisfies CondensedMergeRequestSchema;
    const more = {
      target_branch: it.base,
      source_branch: it.headBranch,
      author: user(it.author),
      source_project_id: it.fork === undefined ? projectId : 8,
      target_project_id: projectId,
      draft: it.draft,
      sha: it.headCommit,
      merged_at: it.mergedAt ?? null,
      merge_commit_sha: it.mergeMethod === "merge" ? (it.mergeCommit ?? null) : null,
      squash_commit_sha: it.mergeMethod === "squash" ? (it.mergeCommit ?? null) : null,
      squash: it.mergeMethod === "squash",
    } satisfies Partial<MergeRequestSchema>;
    return { ...condensed, ...more };
  };
  const note = (it: WorldComment) =>
    ({
      id: it.id,
      type: null,
      body: it.body,
      attachment: null,
      author: user(it.author),
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      system: false,
      noteable_id: it.on.kind === "commit" ? 0 : 1_000 + it.on.number,
      noteable_type: it.on.kind === "commit" ? "Commit" : "MergeRequest",
      noteable_iid: it.on.kind === "commit" ? null : it.on.number,
      resolvable: false,
    }) satisfies DiscussionNoteSchema;
  const discussion = (it: WorldComment) =>
    ({ id: `d${it.id}`, individual_note: true, notes: [note(it)] }) satisfies DiscussionSchema;

  const noteOf = (id: string | undefined): WorldComment | undefined =>
    world.comments.get(Number(id));
  const edit = (call: ApiCall, id: string | undefined): ApiReply => {
    const found = noteOf(id);
    if (found === undefined) return notFound;
    world.editComment(found.id, textOf(call, "body"));
    return ok(note(found));
  };
  const remove = (id: string | undefined): ApiReply => {
    if (noteOf(id) === undefined) return notFound;
    world.deleteComment(Number(id));
    return { status: 204, body: undefined };
  };

  const routes = [
    route("GET", "/user", () => ok(user(world.self))),
    route("GET", "/merge_requests", (call) => {
      const { query } = call;
      const state = query.get("state") ?? "all";
      const found = [...world.pullRequests.values()]
        .filter((it) => state === "all" || states[it.state] === state)
        .filter((it) => (query.get("source_branch") ?? it.headBranch) === it.headBranch)
        .filter((it) => (query.get("target_branch") ?? it.base) === it.base);
      const ordered = query.get("sort") === "asc" ? found : found.toReversed();
      return pageOf(call, ordered, paging, mergeRequest);
    }),
    route("POST", "/merge_requests", async (call) => {
      const [branch, base] = [textOf(call, "source_branch"), textOf(call, "target_branch")];
      const same = [...world.pullRequests.values()].some(
        (it) => it.state === "open" && it.headBranch === branch && it.base === base,
      );
      if (same) {
        const message = ["Another open merge request already exists for this source branch"];
        return { status: 409, body: { message } };
      }
      if ((await world.git.tip(`refs/heads/${branch}`)) === undefined) return notFound;
      const asked = { title: textOf(call, "title"), branch, base, by: world.self.login };
      const made = await world.open({ ...asked, body: textOf(call, "description") });
      return ok(mergeRequest(made), 201);
    }),
    route("GET", "/merge_requests/:iid", (_, [iid]) => {
      const found = world.pullRequests.get(Number(iid));
      return found === undefined ? notFound : ok(mergeRequest(found));
    }),
    route("GET", "/repository/commits/:sha/merge_requests", async (_, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      if (commit === undefined) return notFound;
      return ok((await having(world, commit)).map(mergeRequest));
    }),
    route("GET", "/merge_requests/:iid/notes", (call, [iid]) =>
      pageOf(call, world.commentsOf(Number(iid)), paging, note),
    ),
    route("POST", "/merge_requests/:iid/notes", (call, [iid]) =>
      ok(note(world.comment(Number(iid), world.self.login, textOf(call, "body"))), 201),
    ),
    route("PUT", "/merge_requests/:iid/notes/:id", (call, [, id]) => edit(call, id)),
    route("DELETE", "/merge_requests/:iid/notes/:id", (_, [, id]) => remove(id)),
    route("GET", "/merge_requests/:iid/notes/:id/award_emoji", (_, [, id]) => {
      const found = noteOf(id);
      return found === undefined
        ? notFound
        : ok(found.reactions.map((it) => ({ name: it.content })));
    }),
    route("POST", "/merge_requests/:iid/notes/:id/award_emoji", (call, [, id]) => {
      const found = noteOf(id);
      const content = textOf(call, "name");
      if (found === undefined) return notFound;
      if (found.reactions.some((it) => it.content === content && it.by === world.self)) {
        return { status: 404, body: { message: "404 Award Emoji Name has already been taken" } };
      }
      found.reactions.push({ by: world.self, content });
      const at = world.now();
      const told = {
        id: world.nextId(),
        name: content,
        user: { ...user(world.self), created_at: at },
        created_at: at,
        updated_at: at,
        awardable_id: found.id,
        awardable_type: "Note",
      } satisfies AwardEmojiSchema;
      return ok(told, 201);
    }),
    route("GET", "/events", (call) => {
      const after = Date.parse(call.query.get("after") ?? "");
      const found = [...world.comments.values()]
        .filter(
          (it) => it.on.kind === "pull-request" && Date.parse(it.createdAt) > after + 86_399_999,
        )
        .toReversed();
      return pageOf(call, found, paging, (it) => ({
        id: it.id,
        project_id: projectId,
        action_name: "commented on",
        target_type: "Note",
        target_id: it.id,
        created_at: it.createdAt,
        author: user(it.author),
        note: note(it),
      }));
    }),
    route("GET", "/members/all/:id", (_, [id]) => {
      const found = [...world.users.values()].find((it) => it.id === Number(id));
      const level = found === undefined ? 0 : levels[found.permission];
      return found === undefined || level === 0
        ? notFound
        : ok({ ...user(found), access_level: level, expires_at: null });
    }),
    route("POST", "/statuses/:sha", async (call, [sha = ""]) => {
      const commit = await world.git.tip(sha);
      if (commit === undefined) return notFound;
      const [state, context] = [textOf(call, "state"), textOf(call, "name")];
      const description = textOf(call, "description");
      if (!(state in statuses))
        return { status: 400, body: { error: "state does not have a valid value" } };
      if (world.statusesOf(commit).get(context)?.state === state) {
        const message = `Cannot transition status via :${state} from :${state}`;
        return { status: 400, body: { message } };
      }
      const targetUrl = textOf(call, "target_url") || undefined;
      const made = { id: world.nextId(), commit, context, state, description, targetUrl };
      world.statuses.push(made);
      return ok(statusBody(made, user(world.self), world.now()), 201);
    }),
    route("GET", "/repository/commits/:sha/statuses", (call, [sha]) => {
      const name = call.query.get("name");
      const found = world.statuses.filter((it) => it.commit === sha && it.context === name);
      return ok(found.slice(-1).map((it) => statusBody(it, user(world.self), world.now())));
    }),
    route("GET", "/repository/commits/:sha/discussions", (call, [sha]) =>
      pageOf(
        call,
        [...world.comments.values()].filter(
          (it) => it.on.kind === "commit" && it.on.commit === sha,
        ),
        paging,
        discussion,
      ),
    ),
    route("POST", "/repository/commits/:sha/discussions", (call, [commit = ""]) => {
      const at = world.now();
      const on = { kind: "commit", commit } as const;
      const made = { id: world.nextId(), on, author: world.self, body: textOf(call, "body") };
      const kept: WorldComment = { ...made, createdAt: at, updatedAt: at, reactions: [] };
      world.comments.set(kept.id, kept);
      return ok(discussion(kept), 201);
    }),
    route("PUT", "/repository/commits/:sha/discussions/:discussion/notes/:id", (call, parts) =>
      edit(call, parts[2]),
    ),
    route("DELETE", "/repository/commits/:sha/discussions/:discussion/notes/:id", (_, parts) =>
      remove(parts[2]),
    ),
  ];
  const project = `/projects/${encodeURIComponent(world.repository)}`;
  return (call) => {
    const path = call.path.startsWith(`${project}/`) ? call.path.slice(project.length) : call.path;
    const known = path !== call.path || path === "/user";
    return (known ? dispatch(routes, { ...call, path }) : undefined) ?? notFound;
  };

  function statusBody(
    it: ForgeWorld["statuses"][number],
    author: ReturnType<typeof user>,
    at: string,
  ) {
    return {
      id: it.id,
      sha: it.commit,
      ref: owner,
      status: statuses[it.state] ?? "pending",
      name: it.context,
      description: it.description,
      target_url: it.targetUrl ?? "",
      created_at: at,
      allow_failure: false,
      author,
    } satisfies CommitStatusSchema;
  }
}

const levels = { none: 0, read: 20, write: 30, admin: 40 } as const;

const statuses: Readonly<Record<string, "pending" | "running" | "success" | "failed">> = {
  pending: "pending",
  running: "running",
  success: "success",
  failed: "failed",
};

const notFound: ApiReply = { status: 404, body: { message: "404 Not Found" } };
