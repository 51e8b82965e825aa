import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scopes } from "../schemas/session.ts";
import { covers, likePatterns, may, reachOf, type Principal } from "./roles.ts";

const teams = [
  { name: "payments", workloads: ["pay*", "billing"] },
  { name: "shop", workloads: ["shop"] },
];
const someone = (more: Partial<Principal>): Principal => ({
  username: "ada",
  actor: "ada",
  via: "session",
  role: null,
  teams: {},
  scopes,
  ...more,
});

describe("reach", () => {
  it("is everything for a role outside of teams, as far as the role goes", () => {
    const viewer = someone({ role: "viewer", teams: { payments: "operator" } });
    expect(reachOf(viewer, "read", teams)).toBe("everything");
    expect(reachOf(viewer, "write", teams)).toEqual(["pay*", "billing"]);
    expect(reachOf(viewer, "approve", teams)).toEqual([]);
  });

  it("is nothing for what the token has not, whatever the role", () => {
    const key = someone({ role: "admin", scopes: ["read"] });
    expect(reachOf(key, "write", teams)).toEqual([]);
    expect(may(key, "admin")).toBe(false);
  });

  it("makes no administrator of a team's", () => {
    const lead = someone({ teams: { payments: "admin" } });
    expect(may(lead, "approve")).toBe(true);
    expect(may(lead, "admin")).toBe(false);
  });
});

it("a pattern covers in the API what SQL's `like` finds with it", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "*", "%", "_", "\\", "-"),
    maxLength: 6,
  });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const [like = ""] = likePatterns([pattern]) ?? [];
      expect(covers([pattern], name)).toBe(likes(like, name));
    }),
    { numRuns: 2_000 },
  );
});

/** PostgreSQL's `like`, read from its manual. */
function likes(pattern: string, text: string): boolean {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const it = pattern[at] ?? "";
    if (it === "%") source += "[^]*";
    else if (it === "_") source += "[^]";
    else source += escaped(it === "\\" ? (pattern[++at] ?? "") : it);
  }
  return new RegExp(`^${source}$`).test(text);
}

const escaped = (it: string): string => it.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
