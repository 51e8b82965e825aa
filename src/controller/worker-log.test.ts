import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openTestDatabase } from "../../test/support/database.ts";
import { claimed, uidOf } from "../../test/support/runs.ts";
import { servicesOn, stepType } from "../../test/support/services.ts";
import { enqueueSteps } from "../../test/support/workflows.ts";
import type { Database } from "../store/database.ts";
import { findRuns } from "../store/runs.ts";
import { workOn } from "./worker.ts";

const line = z.looseObject({ msg: z.string() });

describe("log lines about a run", () => {
  let db: Database;
  beforeAll(async () => {
    db = await openTestDatabase("embedded");
  });
  afterAll(() => db.close());

  it.each(["succeeds", "fails"])(
    "say which run, where, for which commit and plan: it %s",
    async (how) => {
      const uid = uidOf(how);
      await enqueueSteps(db, uid, [{ name: "first", type: "scripted" }]);
      const claim = await claimed(db);
      const scripted = stepType("scripted", () => {
        return how === "fails" ? Promise.reject(new Error("no")) : Promise.resolve({});
      });
      const lines: string[] = [];
      const log = pino({ base: null }, { write: (text) => void lines.push(text) });
      await workOn(
        { ...servicesOn(db, { executors: [scripted] }), log },
        claim,
        new AbortController().signal,
      );
      const [run] = await findRuns(db, claim.run);
      expect(lines.length).toBeGreaterThanOrEqual(2);
      for (const text of lines) {
        expect(line.parse(JSON.parse(text))).toMatchObject({
          repository: "origin",
          environment: "default",
          run: claim.run,
          uid,
          commit: run?.commit,
          correlation: run?.plan,
        });
      }
    },
  );
});
