/**
 * Stands between a controller and PostgreSQL, and does what networks do: cuts a connection before a
 * statement arrives or after it took effect, falls silent, lets nobody in.
 */
import { connect, createServer, type Socket } from "node:net";

/**
 * What becomes of a statement: `cut` before the server sees it, `unanswered` after it took effect,
 * `silent`: the connection stays up, and nothing comes through it any more.
 */
export type Fate = "pass" | "cut" | "unanswered" | "silent";

/** @param text holds the statement among the protocol's own bytes */
export type Decide = (text: string, connection: number) => Fate;

export interface Proxy {
  /** `databaseUrl`, by way of the proxy. */
  readonly url: string;
  /**
   * Asked of whatever a client sends.
   *
   * @param onUnanswered once a statement of that fate took effect, before its client can know
   */
  rule(decide: Decide, onUnanswered?: () => void): void;
  /** Cuts every connection, and refuses new ones until told otherwise. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

export async function startProxy(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let refusing = false;
  let decide: Decide = () => "pass";
  let connections = 0;
  let tell = (): void => undefined;

  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };
  const server = createServer((client) => {
    track(client);
    if (refusing) return void client.destroy();
    const upstream = track(connect(Number(target.port), target.hostname));
    const connection = ++connections;
    let muted = false;
    let silent = false;
    client.on("data", (bytes: Buffer) => {
      if (silent) return;
      const fate = decide(bytes.toString("latin1"), connection);
      if (fate === "cut") return void (client.destroy(), upstream.destroy());
      if (fate === "silent") silent = true;
      if (fate === "unanswered") muted = true;
      if (!silent) upstream.write(bytes);
    });
    upstream.on("data", (bytes: Buffer) => {
      if (muted) return void (tell(), client.destroy(), upstream.destroy());
      if (!silent) client.write(bytes);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cutAll = (): void => sockets.forEach((it) => it.destroy());
  return {
    url: url.href,
    rule(given, onUnanswered = () => undefined) {
      decide = given;
      tell = onUnanswered;
    },
    refuse(given) {
      refusing = given;
      if (given) cutAll();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cutAll();
      await closed;
    },
  };
}
