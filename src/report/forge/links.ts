/** Addresses that a person opens. Made here, so that a comment can be rendered while the forge is away. */
import type { ForgeKind, ForgeLinks } from "./forge.ts";

export function createLinks(kind: ForgeKind, webUrl: string, repository: string): ForgeLinks {
  const root = `${webUrl.replace(/\/+$/, "")}/${repository}`;
  const { commit, file, pullRequest } = routes[kind];
  return {
    repository: root,
    commit: (id) => `${root}/${commit}/${id}`,
    file(ref, path, line) {
      const place = line === undefined ? "" : `#L${line}`;
      const source = kind === "gitea" ? (isCommit(ref) ? "commit/" : "branch/") : "";
      return `${root}/${file}/${source}${encodePath(ref)}/${encodePath(path)}${place}`;
    },
    pullRequest: (number) => `${root}/${pullRequest}/${number}`,
  };
}

const routes = {
  github: { commit: "commit", file: "blob", pullRequest: "pull" },
  gitea: { commit: "commit", file: "src", pullRequest: "pulls" },
  gitlab: { commit: "-/commit", file: "-/blob", pullRequest: "-/merge_requests" },
} satisfies Record<ForgeKind, Record<"commit" | "file" | "pullRequest", string>>;

const isCommit = (ref: string): boolean => /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(ref);

const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
