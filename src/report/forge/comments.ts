/**
 * One comment of ours, whatever happened to it: found by its id, else by its marker, made where it is
 * gone. What a crash or a lost answer left twice is removed, the oldest stays.
 */
import type { SavedComment, WantedComment } from "./forge.ts";
import { isNotFound } from "./forge-error.ts";

interface Found {
  readonly id: number;
  readonly url: string;
  readonly body: string;
}

export interface CommentStore {
  /** Those that we wrote, oldest first. */
  listOwn(): Promise<readonly Found[]>;
  create(body: string): Promise<Omit<Found, "body">>;
  /** @throws {ForgeError} `not-found` where there is none of that id */
  edit(id: number, body: string): Promise<Omit<Found, "body">>;
  remove(id: number): Promise<void>;
}

export async function upsertByMarker(
  comments: CommentStore,
  { marker, body, id }: Pick<WantedComment, "marker" | "body" | "id">,
): Promise<SavedComment> {
  if (id !== undefined) {
    try {
      return { ...placeOf(await comments.edit(id, body)), outcome: "edited" };
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  const own = await comments.listOwn();
  const [kept, ...others] = own.filter((it) => it.body.includes(marker));
  for (const other of others) await removeIfThere(comments, other.id);
  if (kept === undefined) return { ...placeOf(await comments.create(body)), outcome: "created" };
  // Forges keep line ends as they like, and some cut the end.
  if (normalised(kept.body) === normalised(body)) return { ...placeOf(kept), outcome: "unchanged" };
  return { ...placeOf(await comments.edit(kept.id, body)), outcome: "edited" };
}

async function removeIfThere(comments: CommentStore, id: number): Promise<void> {
  await comments.remove(id).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

const placeOf = ({ id, url }: Omit<Found, "body">): Omit<Found, "body"> => ({ id, url });

const normalised = (body: string): string => body.replaceAll("\r\n", "\n").trimEnd();
