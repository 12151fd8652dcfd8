// A server of its own for the tests, and the page that it serves.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

/** Where `cargo build` puts it, or what MADANG_BINARY names. */
export const BINARY = process.env["MADANG_BINARY"] ?? fileURLToPath(new URL("../../../../target/debug/madang", import.meta.url));
const READY_DEADLINE_MS = 20_000;

export interface Server {
  readonly url: string;
  /** Ends it as an operator would, or kills it, and starts it again on the same data. */
  restart(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** What a command of the program prints, on the same data. */
  command(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}

async function untilReady(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`madang has ended: ${log()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await pause(50);
  }
  throw new Error(`madang is not ready: ${log()}`);
}

/** A server of its own, or the running one that MADANG_URL names. */
export async function startServer(): Promise<Server> {
  const running = process.env["MADANG_URL"];
  if (running === undefined) return ownServer();
  const isNotOurs = () => Promise.reject(new Error("the server runs already, and is not of this test"));
  return { url: running.replace(/\/$/, ""), restart: isNotOurs, command: isNotOurs, stop: async () => {} };
}

/** A server of its own, with settings of its own. */
export async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  if (!existsSync(BINARY)) throw new Error(`there is no ${BINARY}: build it (cargo build -p madang), or name it by MADANG_BINARY`);
  const directory = await mkdtemp(join(tmpdir(), "madang-web-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const environment = {
    PATH: process.env["PATH"],
    MADANG_HTTP_ADDR: new URL(url).host,
    MADANG_DATA_DIR: directory,
    // The tests of one address make more rooms than its people would.
    MADANG_ROOM_CREATIONS_PER_MINUTE: "1000",
    MADANG_LOG: "warn",
    ...settings,
  };
  let child = await run(url, environment);
  const end = async (signal: NodeJS.Signals) => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  return {
    url,
    async restart(signal = "SIGTERM") {
      await end(signal);
      child = await run(url, environment);
    },
    async command(...words) {
      const { stdout } = await promisify(execFile)(BINARY, words, { env: environment });
      return stdout;
    },
    async stop() {
      await end("SIGTERM");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function run(url: string, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(BINARY, [], { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text = (text + String(chunk)).slice(-4_000)));
  await untilReady(url, child, () => text);
  return child;
}
