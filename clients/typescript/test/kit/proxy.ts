// A TCP proxy that breaks connections when it is told to.
import { type Socket, connect, createServer } from "node:net";

export class Proxy {
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  /** Swallows what the server says: acknowledgements get lost. */
  deaf = false;
  /** Refuses new connections. */
  down = false;
  port = 0;
  readonly #server = createServer((client) => this.#connected(client));

  constructor(private readonly target: number) {}

  async start(): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, "127.0.0.1", listening));
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  /** Resets every connection. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.#server.close(closed));
  }

  #connected(client: Socket): void {
    if (this.down) return void client.resetAndDestroy();
    const server = connect(this.target, "127.0.0.1");
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on("data", (data) => server.write(data));
    server.on("data", (data) => {
      if (!this.deaf) client.write(data);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on("error", () => {});
      socket.on("close", () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
