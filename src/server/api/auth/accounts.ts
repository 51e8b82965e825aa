/** Who there is: users of the settings, and the first administrator, who is in the store. */
import { compareText } from "../../../model/problem.ts";
import type { ApiSettings } from "../../../settings/api.ts";
import {
  addUser,
  countUsers,
  listUsers,
  readUser,
  savePassword,
  type StoredUser,
} from "../../../store/api-users.ts";
import type { Database, Queryable } from "../../../store/database.ts";
import { roles, type Role } from "../schemas/session.ts";
import type { Passwords } from "./passwords.ts";

export interface Account {
  readonly username: string;
  readonly role: Role | null;
  readonly teams: { readonly [team: string]: Role };
  readonly passwordHash: string;
}

export async function findAccount(
  db: Queryable,
  settings: ApiSettings,
  username: string,
): Promise<Account | undefined> {
  const stored = await readUser(db, username);
  const granted = grantedTo(settings, username, stored);
  const own = settings.users.find((it) => it.username === username) ?? stored;
  if (granted === undefined || own === undefined) return undefined;
  return { username, ...granted, passwordHash: own.passwordHash };
}

/**
 * What a user may be; `undefined`: there is none of the name. The settings win over the store: whoever
 * writes them may take the administrator's name.
 */
export function grantedTo(
  settings: ApiSettings,
  username: string,
  stored: Pick<StoredUser, "role" | "teams"> | undefined,
): Pick<Account, "role" | "teams"> | undefined {
  const configured = settings.users.find((it) => it.username === username);
  if (configured !== undefined) return { role: configured.role ?? null, teams: configured.teams };
  if (stored === undefined) return undefined;
  return rolesOf(stored);
}

function rolesOf(stored: Pick<StoredUser, "role" | "teams">): Pick<Account, "role" | "teams"> {
  const teams = Object.entries(stored.teams).flatMap(([team, given]) => {
    const role = roleOf(given);
    return role === null ? [] : [[team, role] as const];
  });
  return { role: roleOf(stored.role), teams: Object.fromEntries(teams) };
}

/** Everybody who could log in, by name. */
export async function listAccounts(
  db: Queryable,
  settings: Pick<ApiSettings, "users">,
): Promise<readonly ListedAccount[]> {
  const configured = settings.users.map((it) => ({
    ...it,
    role: it.role ?? null,
    source: "settings" as const,
  }));
  const taken = new Set(configured.map((it) => it.username));
  const stored = (await listUsers(db))
    .filter((it) => !taken.has(it.username))
    .map((it) => ({ ...it, ...rolesOf(it), source: "store" as const }));
  return [...configured, ...stored].toSorted((a, b) => compareText(a.username, b.username));
}

export interface ListedAccount extends Account {
  readonly source: "settings" | "store";
}

const roleOf = (text: string | null): Role | null => roles.find((it) => it === text) ?? null;

const administrator = "admin";

/**
 * Sees to it that somebody can log in: an administrator with the settings' password or, on the first
 * start of a controller that has no user, with a generated one.
 *
 * @returns the generated password, which nobody can be told again
 */
export async function ensureAdministrator(
  db: Database,
  settings: ApiSettings,
  passwords: Passwords,
  generate: () => string,
): Promise<string | undefined> {
  const { adminPassword } = settings;
  const admin = { username: administrator, role: "admin", teams: {} };
  if (adminPassword !== undefined) {
    const known = await readUser(db, administrator);
    if (known !== undefined && (await passwords.verify(adminPassword, known.passwordHash))) {
      return undefined;
    }
    const passwordHash = await passwords.hash(adminPassword);
    if (!(await addUser(db, { ...admin, passwordHash }))) {
      await savePassword(db, administrator, passwordHash);
    }
    return undefined;
  }
  if (settings.users.length > 0 || (await countUsers(db)) > 0) return undefined;
  const password = generate();
  const passwordHash = await passwords.hash(password);
  return (await addUser(db, { ...admin, passwordHash })) ? password : undefined;
}
