/** The commands `admin` and `team`, under upstream's names and flags. */
import { Option, type Command } from "commander";
import {
  runAddUser,
  runAdminCreateKey,
  runAdminRevokeKey,
  runAdminShow,
  runCreateTeam,
  runDeleteTeam,
  runDeleteUser,
  runListUsers,
  runTeam,
  runTeams,
  runUserCreateKey,
  runUserKeys,
  runUserRevokeKey,
} from "./commands/administration.ts";
import { runKeys } from "./commands/session.ts";
import type { CtlContext } from "./context.ts";

type Add = <F extends object>(
  parent: Command,
  usage: string,
  description: string,
  run: (context: CtlContext, words: readonly string[], flags: F) => Promise<number>,
) => Command;

export interface Parts {
  readonly add: Add;
  /** With `-o table|json|yaml`. */
  readonly listed: Add;
  readonly group: (name: string, description: string) => Command;
}

export function addAdministration({ add, listed, group }: Parts): void {
  const admin = group("admin", "the controller's settings, users and API keys: for administrators");
  listed(admin, "show", "the settings, without secrets", runAdminShow);
  listed(admin, "list-users", "who can log in", runListUsers);
  user(add(admin, "add-user [user]", "the lines that declare a user", runAddUser))
    .addOption(new Option("--password <password>").hideHelp())
    .option("--team <team>", "whose workloads the role is for (default: all)")
    .option("--role <role>", "viewer, operator, approver or admin");
  user(add(admin, "delete-user [user]", "where a user is declared", runDeleteUser));
  named(add(admin, "generate-api-key [name]", "the same as api-key create", runAdminCreateKey));
  listed(admin, "list-api-keys", "the same as api-key list", runKeys);
  add(admin, "revoke-api-key [name]", "the same as api-key revoke", runAdminRevokeKey)
    .option("--name <name>", "which one")
    .addOption(new Option("--key-name <name>").hideHelp());
  user(listed(admin, "user-api-keys [user]", "API keys of a user", runUserKeys));
  named(user(add(admin, "user-generate-key [user]", "how a user makes one", runUserCreateKey)));
  user(
    add(admin, "user-revoke-key [user] [name]", "end an API key of a user", runUserRevokeKey),
  ).option("--key-name <name>", "which one");

  const team = group("team", "teams, and whose workloads are whose: for administrators");
  listed(team, "list", "all of them", runTeams);
  listed(team, "get <team>", "one, with its members", runTeam);
  add(team, "create [name]", "the lines that declare a team", runCreateTeam)
    .option("--name <name>", "its name")
    .addOption(new Option("--description <text>").hideHelp());
  add(team, "delete <team>", "where a team is declared", runDeleteTeam);
}

const user = (command: Command): Command => command.option("--username <user>", "of whom");

const named = (command: Command): Command =>
  command
    .option("--name <name>", "what to call it")
    .option("--expiry-days <days>", "how long it is good for (default: 90)");
