/** What may be asked about a URL that holds a password, without saying it. */

/** On http, a user's name alone is a token as often as not. */
export function hasPassword(url: string): boolean {
  const userinfo = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)@/i.exec(url);
  if (userinfo === null) return false;
  const [, scheme = "", user = ""] = userinfo;
  return user.includes(":") || /^https?$/i.test(scheme);
}

export const isPostgresUrl = (url: string): boolean =>
  /^postgres(ql)?:\/\//.test(url) && URL.canParse(url);

/** The password as written and as decoded; neither for a URL without one. */
export function passwordsIn(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  if (password === "") return [];
  try {
    return [...new Set([password, decodeURIComponent(password)])];
  } catch {
    return [password];
  }
}
