// A cluster of real processes, as `make cluster` starts it, whose services can be killed and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BINARY } from "./server";

/** Beside the all-in-one, or what MADANG_CLUSTER names. */
const PROGRAM = process.env["MADANG_CLUSTER"] ?? join(dirname(BINARY), "cluster");
const START_DEADLINE_MS = 90_000;
const READY_DEADLINE_MS = 30_000;

interface Entry {
  readonly name: string;
  readonly pid: number;
  readonly address: string;
  readonly ops_address: string | null;
}

interface Running {
  readonly name: string;
  readonly pid: number;
  readonly opsAddress: string;
  readonly program: string;
  readonly environment: Record<string, string>;
  readonly parameters: string[];
}

export class Cluster {
  readonly #running = new Map<string, Running>();
  readonly #children = new Map<string, ChildProcess>();

  private constructor(
    private readonly program: ChildProcess,
    private readonly directory: string,
    private readonly entries: readonly Entry[],
  ) {}

  static async start(): Promise<Cluster> {
    if (!existsSync(PROGRAM)) throw new Error(`there is no ${PROGRAM}: build it (make web does), or name it by MADANG_CLUSTER`);
    const directory = await mkdtemp(join(tmpdir(), "madang-cluster-"));
    const program = spawn(PROGRAM, ["--free-ports", "--fast", "--data-dir", directory], { stdio: ["ignore", "pipe", "inherit"] });
    await said(program, "Ctrl-C stops everything");
    const entries = JSON.parse(await readFile(join(directory, "processes.json"), "utf8")) as Entry[];
    const cluster = new Cluster(program, directory, entries);
    for (const { name, pid, ops_address: opsAddress } of entries) {
      if (opsAddress !== null) cluster.#running.set(name, { name, opsAddress, ...(await startedAs(pid)) });
    }
    return cluster;
  }

  /** The ingress. */
  get url(): string {
    return this.addressOf("nginx");
  }

  addressOf(name: string): string {
    return `http://${this.#entry(name).address}`;
  }

  /** The services, in the order in which an operator restarts them. */
  get services(): string[] {
    return [...this.#running.keys()];
  }

  async kill(name: string): Promise<void> {
    await this.#end(name, "SIGKILL");
  }

  async startAgain(name: string): Promise<void> {
    const { program, parameters, environment, opsAddress } = this.#of(name);
    const child = spawn(program, parameters, { env: environment, stdio: "ignore" });
    this.#children.set(name, child);
    this.#running.set(name, { ...this.#of(name), pid: child.pid as number });
    const end = Date.now() + READY_DEADLINE_MS;
    while (!(await fetch(`http://${opsAddress}/readyz`).then(({ ok }) => ok, () => false))) {
      if (Date.now() > end || child.exitCode !== null) throw new Error(`${name} is not ready after its restart`);
      await pause(50);
    }
  }

  /** Ends a service as an operator would, and starts it again. */
  async restart(name: string): Promise<void> {
    await this.#end(name, "SIGTERM");
    await this.startAgain(name);
  }

  async flushRedis(): Promise<void> {
    const [host = "", port = ""] = this.#entry("redis").address.split(":");
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), host, () => socket.write("FLUSHALL\r\n"));
      socket.once("data", (answer) => {
        socket.destroy();
        String(answer).startsWith("+OK") ? resolve() : reject(new Error(String(answer)));
      });
      socket.once("error", reject);
    });
  }

  async stop(): Promise<void> {
    for (const name of this.#children.keys()) await this.#end(name, "SIGKILL");
    const ended = new Promise((resolve) => this.program.once("exit", resolve));
    this.program.kill("SIGINT");
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.#of(name);
    process.kill(pid, signal);
    const end = Date.now() + READY_DEADLINE_MS;
    while (await isAlive(pid)) {
      if (Date.now() > end) throw new Error(`${name} does not end`);
      await pause(20);
    }
  }

  #of(name: string): Running {
    const running = this.#running.get(name);
    if (!running) throw new Error(`the cluster has no service ${name}`);
    return running;
  }

  #entry(name: string): Entry {
    const entry = this.entries.find((one) => one.name === name);
    if (!entry) throw new Error(`the cluster has no process ${name}`);
    return entry;
  }
}

/** Until a program has printed this. */
async function said(program: ChildProcess, text: string): Promise<void> {
  let printed = "";
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the cluster is not ready: ${printed}`)), START_DEADLINE_MS);
    program.stdout?.on("data", (chunk: Buffer) => {
      printed = (printed + String(chunk)).slice(-10_000);
      if (!printed.includes(text)) return;
      clearTimeout(timer);
      resolve();
    });
    program.once("exit", (code) => reject(new Error(`the cluster ended with ${code}: ${printed}`)));
  });
}

/** How a process was started, as Linux tells it. */
async function startedAs(pid: number) {
  const words = async (file: string) => (await readFile(`/proc/${pid}/${file}`, "utf8")).split("\0").filter((word) => word !== "");
  const environment = Object.fromEntries(
    (await words("environ")).map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
  return { pid, program: await readlink(`/proc/${pid}/exe`), environment, parameters: (await words("cmdline")).slice(1) };
}

/** Whether a process goes on: one that has ended and is not yet waited for does not. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return status !== null && !/^\d+ \(.*\) [ZX] /.test(status);
}
