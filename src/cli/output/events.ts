/** The audit trail as `innominatus events` lists it. */
import { auditName } from "../../model/audit.ts";
import { shortCommit } from "../../plan/render/visible.ts";
import type { RecordedEvent } from "../../store/events.ts";
import type { Listing } from "./listing.ts";

export const eventListing: Listing<RecordedEvent> = {
  columns: [
    { title: "time", text: (it) => it.at.replace(/\.\d+Z$/, "Z") },
    { title: "event", text: (it) => it.type },
    { title: "resource", text: (it) => it.uid ?? "" },
    { title: "by", text: (it) => it.actor },
    { title: "commit", text: (it) => shortCommit(it.commit ?? "") },
    { title: "run", text: (it) => it.run?.slice(-8) ?? "" },
    {
      title: "details",
      text: ({ data }) =>
        Object.entries(data)
          .filter(([, value]) => value !== "" && value !== 0)
          .map(
            ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
          )
          .join(" "),
    },
  ],
  json: ({ context, ...it }) => ({
    ...it,
    eventType: auditName(it.type).eventType,
    phase: context.phase ?? null,
  }),
  empty: "nothing has happened yet",
};
