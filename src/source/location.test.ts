import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { credentialsIn, isPath, locate, mask, mirrorName } from "./location.ts";

describe("mirrorName", () => {
  const same = [
    ["https://forge.example/team/repo", "https://forge.example/team/repo.git"],
    ["https://forge.example/team/repo", "https://forge.example/team/repo/"],
    ["https://forge.example/team/repo", "https://user:token@FORGE.example/team/repo.git/"],
    ["git@forge.example:team/repo.git", "ssh://git@forge.example/team/repo"],
    ["/srv/origin.git", "/srv/origin.git/"],
    ["/srv/origin.git", "file:///srv/origin.git"],
    ["./origin.git", resolve("origin.git")],
  ] as const;
  it.each(same)("is one for %s and %s", (a, b) => expect(mirrorName(a)).toBe(mirrorName(b)));

  const different = [
    ["https://forge.example/team/repo", "https://forge.example/team/Repo"],
    ["https://forge.example/a/b-c", "https://forge.example/a-b/c"],
    ["https://forge.example:8443/a/b", "https://forge.example/a/b"],
    ["/srv/origin", "/srv/origin.git"],
  ] as const;
  it.each(different)("is another for %s and %s", (a, b) =>
    expect(mirrorName(a)).not.toBe(mirrorName(b)),
  );

  it("is a name that any file system takes, without credentials", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        expect(mirrorName(url)).toMatch(/^[A-Za-z0-9-]{12,80}$/);
      }),
    );
    expect(mirrorName("https://user:token@forge.example/team/repo")).toMatch(
      /^forge-example-team-repo-[0-9a-f]{12}$/,
    );
  });
});

test("what git takes for a path is one", () => {
  const paths = ["origin.git", "./a:b", "/srv/x", "~/x", "../x"];
  expect(paths.filter(isPath)).toEqual(paths);
  expect(["https://x/y", "git@x:y", "host:path", "ssh://x/y", "ext::sh"].filter(isPath)).toEqual(
    [],
  );
  expect(locate("./origin.git")).toBe(resolve("origin.git"));
  expect(locate("git@x:y")).toBe("git@x:y");
});

describe("law 7: mask", () => {
  it("hides the URL's credentials, as written and decoded", () => {
    const url = "https://user:p%40ss@forge.example/x";
    expect(credentialsIn(url)).toEqual(["p%40ss", "p@ss"]);
    expect(mask(`fetching ${url}: p@ss is wrong`, credentialsIn(url))).toBe(
      "fetching https://***@forge.example/x: *** is wrong",
    );
    expect(credentialsIn("https://token@forge.example/x")).toContain("token");
    expect(credentialsIn("ssh://git@forge.example/x")).toEqual([]);
    expect(credentialsIn("https://u:100%@forge.example/x")).toEqual(["100%", "100%"]);
  });

  it("hides every secret, also one that holds another", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{4,9}$/), { minLength: 1 }), (secrets) => {
        const masked = mask(secrets.join(" and "), secrets);
        expect(secrets.some((it) => masked.includes(it))).toBe(false);
      }),
    );
  });
});
