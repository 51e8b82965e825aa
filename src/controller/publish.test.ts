import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestDatabase } from "../../test/support/database.ts";
import { createOrigin, type Origin } from "../../test/support/repository.ts";
import { servicesOn } from "../../test/support/services.ts";
import type { Database } from "../store/database.ts";
import { createCatalogOf } from "./catalog.ts";
import { openRepository, type Repository } from "./repository.ts";

const never = new AbortController().signal;
const branch = "innominatus/status";
const file = "default/shop.yaml";
const spec = `
apiVersion: score.dev/v1b1
metadata: { name: shop }
containers: { web: { image: example/shop:1 } }
`;

describe("publishing status", () => {
  let db: Database;
  let origin: Origin;
  let folder: string;
  let repository: Repository;
  const asked: string[] = [];
  beforeAll(async () => {
    db = await openTestDatabase("postgres");
    folder = await mkdtemp(join(tmpdir(), "innominatus-publish-"));
    origin = await createOrigin({ "apps/shop/score.yaml": spec });
    const options = { url: origin.url, directory: join(folder, "mirror.git"), name: "origin" };
    const watched: Database = {
      ...db,
      query(sql, values) {
        asked.push(sql);
        return db.query(sql, values);
      },
    };
    repository = await openRepository(servicesOn(watched), options, createCatalogOf([]), never);
    await repository.pass(never);
  }, 60_000);
  afterAll(async () => {
    await repository.close();
    await origin.close();
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });

  const publish = async (): Promise<boolean> => {
    await repository.fetch(never);
    return (await repository.publish(never)).changed;
  };

  it("law 9: makes one commit of one state", async () => {
    expect([await publish(), await publish()]).toEqual([true, false]);
    expect(await origin.log(branch)).toHaveLength(1);
  });

  it("reads no resource while there is no news", async () => {
    await publish();
    asked.length = 0;
    expect(await publish()).toBe(false);
    expect(
      asked.filter((sql) => /select (?!jsonb_build_array).* from (resources|workloads)/s.test(sql)),
    ).toEqual([]);
    expect(asked).not.toEqual([]);
  });

  it("puts right what somebody, or a replica that was late, wrote over it", async () => {
    const text = await origin.readFile(branch, file);
    await origin.commit({ [file]: "stale", "notes.md": "theirs" }, "Late", { branch });
    expect([await publish(), await publish()]).toEqual([true, false]);
    expect(await origin.readFile(branch, file)).toBe(text);
    expect(await origin.readFile(branch, "notes.md")).toBe("theirs");
  });

  it("makes no commit when somebody added what is not ours", async () => {
    const tip = await origin.commit({ "more.md": "theirs" }, "More", { branch });
    expect([await publish(), await publish()]).toEqual([false, false]);
    expect(await origin.tip(branch)).toBe(tip);
  });

  it("publishes anew when the branch was deleted", async () => {
    await origin.deleteBranch(branch);
    expect([await publish(), await publish()]).toEqual([true, false]);
  });
});
