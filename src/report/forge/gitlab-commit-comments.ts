/** Comments on commits: on GitLab they are notes of discussions, for only those have ids to edit by. */
import { askPages, nothing, type Api } from "./api.ts";
import { upsertByMarker } from "./comments.ts";
import type { CommitComments, ForgeLinks } from "./forge.ts";
import { ForgeError } from "./forge-error.ts";
import type { IsOwn } from "./gitlab.ts";
import { discussionShape, noteShape } from "./gitlab-shapes.ts";

export function createGitLabCommitComments(
  api: Api,
  root: string,
  links: ForgeLinks,
  isOwn: IsOwn,
): CommitComments {
  return {
    async upsert({ commit, marker, body }, signal) {
      const path = `${root}/repository/commits/${encodeURIComponent(commit)}/discussions`;
      const own = await isOwn(signal);
      const discussionOf = new Map<number, string>();
      const saved = ({ id }: { readonly id: number }) => ({
        id,
        url: `${links.commit(commit)}#note_${id}`,
      });
      const pathOf = (id: number): string => {
        const discussion = discussionOf.get(id);
        if (discussion !== undefined) return `${path}/${discussion}/notes/${id}`;
        throw new ForgeError({ kind: "not-found" }, `note ${id} is in no discussion of the commit`);
      };
      const comments = {
        async listOwn() {
          const request = { method: "GET", path, query: { per_page: 100 } } as const;
          const items = await askPages(api, request, discussionShape, signal);
          const notes = items.flatMap((it) =>
            it.notes.map((note) => ({ note, discussion: it.id })),
          );
          for (const { note, discussion } of notes) discussionOf.set(note.id, discussion);
          return notes
            .filter(({ note }) => own(note.author.id))
            .map(({ note }) => ({ ...saved(note), body: note.body }))
            .toSorted((a, b) => a.id - b.id);
        },
        async create(text: string) {
          const request = { method: "POST", path, body: { body: text } } as const;
          const { value } = await api.ask(request, discussionShape, signal);
          return saved({ id: value.notes[0]?.id ?? 0 });
        },
        async edit(id: number, text: string) {
          const request = { method: "PUT", path: pathOf(id), body: { body: text } } as const;
          return saved((await api.ask(request, noteShape, signal)).value);
        },
        async remove(id: number) {
          await api.ask({ method: "DELETE", path: pathOf(id) }, nothing, signal);
        },
      };
      return upsertByMarker(comments, { marker, body, id: undefined });
    },
  };
}
