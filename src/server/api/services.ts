/** What the API works with; made in cli/ and by tests. */
import type { Logger } from "pino";
import type { Clock } from "../../model/clock.ts";
import type { JsonRecord } from "../../model/json.ts";
import type { Problem } from "../../model/problem.ts";
import type { Provider } from "../../provider/provider.ts";
import type { Sealer } from "../../secrets/seal.ts";
import type { ApiSettings } from "../../settings/api.ts";
import type { Database } from "../../store/database.ts";
import type { Passwords } from "./auth/passwords.ts";
import type { SpecStore } from "../../controller/spec-store.ts";

export interface Reloaded {
  /** Providers give something new. */
  readonly changed: boolean;
  readonly problems: readonly Problem[];
}

export interface ApiServices {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly settings: ApiSettings;
  readonly passwords: Passwords;
  readonly version: string;
  /** Of all layers, as they are now. */
  readonly providers: () => readonly Provider[];
  readonly specs: SpecStore;
  /** Without any secret. */
  readonly shownSettings: JsonRecord;
  /** Reads providers again, and has every repository looked at. */
  readonly reload: (signal: AbortSignal) => Promise<Reloaded>;
  /** Aborted when the process drains: streams end then. */
  readonly stopping: AbortSignal;
}
