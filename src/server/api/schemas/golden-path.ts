/** Golden paths: workflows that a provider offers to people rather than to resources. */
import { z } from "zod";
import { name, pageQuery } from "./common.ts";

export const goldenPath = z
  .object({
    name: z.string(),
    provider: z.string(),
    provider_version: z.string(),
    description: z.string(),
    category: z.literal("goldenpath"),
    version: z.string(),
    tags: z.array(z.string()),
    parameters: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        required: z.boolean(),
        default: z.unknown().meta({ description: "Null where there is none, or it is a secret" }),
        description: z.string(),
      }),
    ),
    steps: z.array(z.object({ name: z.string(), type: z.string() })),
    resource_types: z.array(z.string()).meta({
      description: "Types that its workflow creates: what to ask for in a Score spec",
    }),
  })
  .meta({ id: "GoldenPath" });

export const goldenPathName = z.object({ name });
export const goldenPathQuery = z.object({
  provider: name.optional().meta({ description: "Where several providers have one of the name" }),
});
export const goldenPathsQuery = pageQuery;
