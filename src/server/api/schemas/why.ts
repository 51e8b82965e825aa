/** Why a resource is as it is: for machines in parts, for people as a text. */
import { z } from "zod";
import { phases } from "../../../model/resource.ts";
import { waitReasons } from "../../../model/wait.ts";
import { anyRecord, time } from "./common.ts";
import { gate } from "./resource.ts";

export const why = z
  .object({
    uid: z.string(),
    environment: z.string(),
    phase: z.enum(phases),
    since: time,
    decided: anyRecord.meta({ description: "Operation, reason, commit, place and rule" }),
    provider: anyRecord,
    depends_on: z.array(z.object({ uid: z.string(), phase: z.enum(phases).nullable() })),
    run: anyRecord.nullable().meta({ description: "The last run, with its steps" }),
    gate: gate.nullable(),
    waits: z
      .array(
        z.object({
          reason: z.enum(waitReasons),
          blocker: z
            .object({
              repository: z.string(),
              environment: z.string(),
              uid: z.string(),
              run: z.string(),
            })
            .nullable()
            .meta({ description: "Null where it is no longer recorded, or `hidden`" }),
          hidden: z.boolean().meta({ description: "Another resource, which you may not see" }),
          until: time.nullable().meta({ description: "Where it is known when it ends" }),
        }),
      )
      .meta({ description: "What keeps its run from starting, the first reason first" }),
    next: z.object({
      text: z.string(),
      at: z.string().nullable(),
      command: z.string().nullable().meta({ description: "What to type, where a person must act" }),
    }),
    text: z.string().meta({ description: "All of it, as `innominatus why` prints it" }),
  })
  .meta({ id: "Why" });
