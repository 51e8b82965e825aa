/** What a role may do, and for which workloads: pure. */
import { roles, scopes, type Role, type ScopeName } from "../schemas/session.ts";

/** Whoever is asking, and what they have been given. */
export interface Principal {
  readonly username: string;
  /** For the audit trail and for commits: whoever it really is. */
  readonly actor: string;
  readonly via: "session" | "key" | "oidc";
  /** Everywhere; `null`: only in teams. */
  readonly role: Role | null;
  readonly teams: { readonly [team: string]: Role };
  /** What of the roles' permissions this token has. */
  readonly scopes: readonly ScopeName[];
  /** Hash of the session's token, for logging out. */
  readonly session?: string;
  /** The administrator who acts as this user. */
  readonly impersonator?: string;
}

/** A team, and the workloads that are its own: names, with `*` for any characters. */
export interface Team {
  readonly name: string;
  readonly workloads: readonly string[];
}

const permissions = {
  viewer: ["read"],
  operator: ["read", "write", "secrets"],
  approver: ["read", "write", "secrets", "approve"],
  admin: scopes,
} as const satisfies Record<Role, readonly ScopeName[]>;

const allows = (role: Role, permission: ScopeName): boolean =>
  permissions[role].some((it) => it === permission);

/** All permissions of all of one's roles. */
export function permissionsOf({ role, teams }: Pick<Principal, "role" | "teams">): ScopeName[] {
  const held = [...(role === null ? [] : [role]), ...Object.values(teams)];
  // What is everybody's is not a team's to give.
  return scopes.filter((scope) =>
    scope === "admin" ? role === "admin" : held.some((it) => allows(it, scope)),
  );
}

export const may = (principal: Principal, permission: ScopeName): boolean =>
  principal.scopes.includes(permission) && permissionsOf(principal).includes(permission);

/** Workloads that a principal may do something to: all of them, or those like one of the patterns. */
export type Reach = "everything" | readonly string[];

export function reachOf(
  principal: Principal,
  permission: ScopeName,
  teams: readonly Team[],
): Reach {
  if (!principal.scopes.includes(permission)) return [];
  if (principal.role !== null && allows(principal.role, permission)) return "everything";
  const held = Object.entries(principal.teams).filter(([, role]) => allows(role, permission));
  const names = new Set(held.map(([team]) => team));
  return teams.filter((it) => names.has(it.name)).flatMap((it) => it.workloads);
}

export const covers = (reach: Reach, workload: string): boolean =>
  reach === "everything" || reach.some((pattern) => fits(pattern, workload));

/** The team that a workload belongs to; empty: none. */
export const teamOf = (teams: readonly Team[], workload: string): string =>
  teams.find((it) => covers(it.workloads, workload))?.name ?? "";

/** Without a regular expression: a pattern of many stars costs no more than its length times the name's. */
function fits(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (!name.startsWith(first)) return false;
  if (rest.length === 0) return name === first;
  let at = first.length;
  const last = rest.pop() ?? "";
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** As SQL's `like` has it; `null`: no restriction. */
export const likePatterns = (reach: Reach): string[] | null =>
  reach === "everything"
    ? null
    : reach.map((it) => it.replaceAll(/[\\%_]/g, "\\$&").replaceAll("*", "%"));

/** For display: the highest of all. */
export function highestRole({ role, teams }: Pick<Principal, "role" | "teams">): Role {
  const held = [...(role === null ? [] : [role]), ...Object.values(teams)];
  return roles.findLast((it) => held.includes(it)) ?? "viewer";
}
