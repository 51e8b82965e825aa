/** The audit trail as `innominatus events` lists it. */
import { auditName } from "../../model/audit.ts";
import type { Json, JsonRecord } from "../../model/json.ts";
import { shortCommit, visible } from "../../plan/render/visible.ts";
import type { RecordedEvent } from "../../store/events.ts";
import type { Listing, ListingFormat } from "./listing.ts";

export const eventListing: Listing<RecordedEvent> = {
  columns: [
    { title: "time", text: (it) => it.at.replace(/\.\d+Z$/, "Z") },
    { title: "event", text: (it) => it.type },
    { title: "resource", text: (it) => it.uid ?? "" },
    { title: "by", text: (it) => it.actor },
    { title: "commit", text: (it) => shortCommit(it.commit ?? "") },
    { title: "run", text: (it) => it.run?.slice(-8) ?? "" },
    { title: "details", text: detailsOf },
  ],
  json: eventJson,
  empty: "nothing has happened yet",
};

/** One line of `--follow`: JSON, whatever else is asked for, or for people. */
export function eventLine(event: RecordedEvent, format: ListingFormat): string {
  if (format !== "table") return `${JSON.stringify(eventJson(event))}\n`;
  return `${visible(
    eventListing.columns
      .map((it) => it.text(event))
      .filter((it) => it !== "")
      .join("  "),
  )}\n`;
}

function eventJson({ context, ...it }: RecordedEvent): Json {
  return { ...it, eventType: auditName(it.type).eventType, phase: context.phase ?? null };
}

function detailsOf({ id, data, delivery, problem }: RecordedEvent): string {
  const all: JsonRecord = delivery === "quarantined" ? { ...data, refused: problem, id } : data;
  return Object.entries(all)
    .filter(([, value]) => value !== "" && value !== 0)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
