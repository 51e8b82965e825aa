/** What a command of innominatus-ctl gets beside what every command gets: a keyboard and a network. */
import type { CommandContext } from "../context.ts";
import { CommandError } from "../output/failure.ts";

export interface Keyboard {
  readonly isTTY: boolean;
  /** Asks on stderr; what is typed is not shown when `hidden`. @throws where the input ends first */
  ask(question: string, options: { readonly hidden: boolean }): Promise<string>;
  /** All of a pipe, bounded. */
  readAll(): Promise<string>;
}

export interface CtlContext extends CommandContext {
  readonly stdin: Keyboard;
  readonly fetch: typeof fetch;
}

export interface CtlFlags {
  readonly server?: string;
}

const defaultServer = "http://localhost:8081";

/** Of `--server`, INNOMINATUS_API_BASE or the default; without a slash at its end. */
export function serverOf({ env }: Pick<CtlContext, "env">, { server }: CtlFlags): string {
  const base = env["INNOMINATUS_API_BASE"] ?? "";
  const given = server ?? (base === "" ? defaultServer : base);
  const where = server === undefined ? "INNOMINATUS_API_BASE" : "--server";
  const wrong = (what: string): CommandError =>
    new CommandError(what, where, `give an address such as ${defaultServer}`, { exitCode: 2 });
  if (!URL.canParse(given)) throw wrong(`"${given}" is no address`);
  const url = new URL(given);
  if (!["http:", "https:"].includes(url.protocol))
    throw wrong("the address is neither http nor https");
  // It would be shown wherever the server is named.
  if (url.username !== "" || url.password !== "") throw wrong("the address holds credentials");
  return `${url.origin}${url.pathname.replace(/\/(api\/?)?$/, "")}`;
}

/** True where a password would cross a network in the clear. */
export const isInTheClear = (server: string): boolean => {
  const { protocol, hostname } = new URL(server);
  return protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
};
