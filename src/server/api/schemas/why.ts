/** Why a resource is as it is: for machines in parts, for people as a text. */
import { z } from "zod";
import { phases } from "../../../model/resource.ts";
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
    next: z.object({
      text: z.string(),
      at: z.string().nullable(),
      command: z.string().nullable().meta({ description: "What to type, where a person must act" }),
    }),
    text: z.string().meta({ description: "All of it, as `innominatus why` prints it" }),
  })
  .meta({ id: "Why" });
