/** Users and teams as the settings declare them, in upstream's field names. */
import { z } from "zod";
import { name, pageQuery } from "./common.ts";
import { roles } from "./session.ts";

export const user = z
  .object({
    username: z.string(),
    team: z.string().meta({ description: "The first of `teams`; empty where there is none" }),
    role: z.enum(roles).meta({ description: "The highest that the user has anywhere" }),
    teams: z.record(z.string(), z.enum(roles)),
    everywhere: z.enum(roles).nullable().meta({ description: "The role outside of any team" }),
    source: z.enum(["settings", "store"]).meta({
      description: "The store has the first administrator, everybody else is in the settings",
    }),
  })
  .meta({ id: "User" });

export const team = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    workloads: z.array(z.string()).meta({ description: "Patterns of its own workloads' names" }),
    members: z.array(z.object({ username: z.string(), role: z.enum(roles) })),
  })
  .meta({ id: "Team" });

export const username = z.object({ username: name });
export const teamId = z.object({ id: name });
export const peopleQuery = pageQuery;
