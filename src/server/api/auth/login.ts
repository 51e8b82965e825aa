/** Logging in: counted before it is tried, the same work for whoever is not there, and on the audit trail. */
import { appendEvents } from "../../../store/events.ts";
import { addSession } from "../../../store/api-sessions.ts";
import {
  countAttempt,
  forgetAttempts,
  sweepAttempts,
  takeBackAttempt,
} from "../../../store/login-attempts.ts";
import { ApiError } from "../problem.ts";
import type { ApiServices } from "../services.ts";
import { findAccount, type Account } from "./accounts.ts";
import { hashToken, newToken } from "./tokens.ts";

export interface LoggedIn {
  readonly account: Account;
  readonly token: string;
  readonly expiresAt: string;
}

/** @throws {ApiError} 401, in the same words whatever was wrong; 429 after too many attempts */
export async function logIn(
  services: Pick<ApiServices, "db" | "settings" | "passwords" | "clock">,
  given: { readonly username: string; readonly password: string },
  address: string,
): Promise<LoggedIn> {
  const { db, settings, passwords, clock } = services;
  const { perAddress, perUser, windowMs } = settings.login;
  const byAddress = `address:${address}`;
  const byUser = `user:${given.username}`;
  await sweepAttempts(db, windowMs);
  for (const [subject, most] of [
    [byAddress, perAddress],
    [byUser, perUser],
  ] as const) {
    const { attempts, leftMs } = await countAttempt(db, subject, windowMs);
    if (attempts > most) throw tooMany(leftMs);
  }
  const account = await findAccount(db, settings, given.username);
  const right = await passwords.verify(given.password, account?.passwordHash);
  if (account === undefined || !right) {
    throw new ApiError(401, {
      code: "login-refused",
      detail: "the username or the password is wrong",
      hint: "an administrator can look up the one and replace the other",
    });
  }
  await forgetAttempts(db, byUser);
  await takeBackAttempt(db, byAddress);
  const token = newToken("session");
  const { username } = account;
  return db.transaction(async (tx) => {
    const session = { hash: hashToken(token), username, ttlMs: settings.sessionMs };
    const expiresAt = await addSession(tx, session);
    const fact = { repository: "", environment: "", type: "LoggedIn", actor: username };
    await appendEvents(tx, [{ ...fact, data: { address } }], clock.now().getTime());
    return { account, token, expiresAt };
  });
}

function tooMany(leftMs: number): ApiError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1_000));
  return new ApiError(429, {
    code: "too-many-attempts",
    detail: "too many attempts to log in",
    hint: `try again in ${seconds} s`,
    headers: { "retry-after": String(seconds) },
  });
}
