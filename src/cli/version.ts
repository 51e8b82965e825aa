/** The package's version, as package.json has it. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { home } from "./context.ts";

export const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(`${home}package.json`, "utf8")));
