// A real `madang` with its data in a directory of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_DEADLINE_MS = 30_000;

/** Where `cargo build` puts it, seen from build/test/kit; or what MADANG_BINARY names. */
const BINARY =
  process.env["MADANG_BINARY"] ?? fileURLToPath(new URL("../../../../../target/debug/madang", import.meta.url));

export interface Madang {
  readonly port: number;
  /** Ends it as an operator would, and starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why there is no server to test against; null if there is one. Under CI its absence is a failure. */
export function missingMadang(): string | null {
  if (existsSync(BINARY)) return null;
  const reason = `there is no ${BINARY}: build it (cargo build -p madang), or name it by MADANG_BINARY`;
  if (process.env["CI"]) throw new Error(reason);
  return reason;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

export async function startMadang(settings: Record<string, string> = {}): Promise<Madang> {
  const directory = await mkdtemp(join(tmpdir(), "madang-client-"));
  const port = await freePort();
  let child = run(directory, port, settings);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  const stop = async () => {
    await end("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  };
  const restart = async () => {
    await end("SIGTERM");
    child = run(directory, port, settings);
    await ready(port, child);
  };
  try {
    await ready(port, child);
  } catch (error) {
    await stop();
    throw new Error(`madang did not start: ${String(error)}`);
  }
  return { port, restart, stop };
}

function run(directory: string, port: number, settings: Record<string, string>): ChildProcess {
  return spawn(BINARY, [], {
    env: {
      PATH: process.env["PATH"],
      MADANG_HTTP_ADDR: `127.0.0.1:${port}`,
      MADANG_DATA_DIR: directory,
      MADANG_LOG: "warn",
      ...settings,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function ready(port: number, child: ChildProcess): Promise<void> {
  const end = Date.now() + START_DEADLINE_MS;
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it was not ready in time");
}
