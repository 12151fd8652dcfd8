// Executes what docs/embedding.md shows for React Native and for a site's backend. The blocks for pages are executed in
// Chromium: clients/web/test/embedding.spec.ts.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { Client, type UserSession, memoryStorage } from "../src/index.js";
import { type Block, blockOf, blocksOf, settingsOf } from "./kit/document.js";
import { type Madang, missingMadang, startMadang } from "./kit/madang.js";
import { until, within } from "./kit/until.js";

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const DOCUMENTED_SERVER = "http://127.0.0.1:8080";
const missing = missingMadang();

/** `URLSearchParams` as React Native had it before version 0.74. */
class OldSearchParams {
  readonly #made = new URLSearchParams();
  append(name: string, value: string): void {
    this.#made.append(name, value);
  }
  toString(): string {
    return String(this.#made);
  }
}

/** A device: what an app stores on it survives the app. */
class Device {
  readonly #stored = new Map<string, string>();

  readonly storage = {
    getItem: async (key: string) => this.#stored.get(key) ?? null,
    setItem: async (key: string, value: string) => void this.#stored.set(key, value),
    removeItem: async (key: string) => void this.#stored.delete(key),
    getAllKeys: async () => [...this.#stored.keys()],
    multiGet: async (keys: string[]) => keys.map((key) => [key, this.#stored.get(key) ?? null]),
  };
}

/** An app on it, started. It has what React Native gives it, and nothing else. */
class App {
  readonly #listeners = new Set<(state: string) => void>();
  readonly module: { session: UserSession; connect: (account: string) => Client };

  constructor(script: string, device: Device) {
    const state = { currentState: "active", addEventListener: (_: string, told: (state: string) => void) => this.#listeners.add(told) };
    const context = createContext({
      fetch: (address: string, options: RequestInit) => fetch(address, options),
      WebSocket,
      setTimeout,
      clearTimeout,
      AbortController,
      performance: { now: () => performance.now() },
      TextEncoder,
      atob,
      URLSearchParams: OldSearchParams,
      crypto: { getRandomValues: (bytes: Uint8Array) => crypto.getRandomValues(bytes) },
      navigator: { product: "ReactNative" },
      native: { AppState: state, storage: device.storage },
    });
    // As there, the global object is called `window`, and has no `document`.
    runInContext("globalThis.window = globalThis", context);
    this.module = runInContext(`${script}; app`, context) as App["module"];
  }

  becomes(state: string): void {
    for (const told of this.#listeners) told(state);
  }
}

async function bundle(text: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: text, loader: "ts", resolveDir: at("clients/typescript") },
    bundle: true,
    format: "iife",
    globalName: "app",
    write: false,
    alias: { "@madang/client": at("clients/typescript/src/index.ts") },
    plugins: [
      {
        name: "react-native",
        setup(made) {
          made.onResolve({ filter: /^(react-native|@react-native-async-storage\/async-storage)$/ }, ({ path }) => ({ path, namespace: "native" }));
          made.onLoad({ filter: /.*/, namespace: "native" }, () => ({
            contents: "export const AppState = native.AppState; export default native.storage;",
          }));
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? "";
}

describe("the document on embedding", { skip: missing ?? false }, () => {
  let madang: Madang;
  let blocks: Block[];

  before(async () => {
    blocks = await blocksOf(at("docs/embedding.md"));
    // Both kinds of users: those of this server, for whom registration is open, and the site's own.
    madang = await startMadang({ ...settingsOf(blockOf(blocks, "issuer")), MADANG_REGISTRATION: "open" });
  });

  const clients: Client[] = [];

  after(async () => {
    for (const client of clients) client.close();
    await madang?.stop();
  });

  const url = () => `http://127.0.0.1:${madang.port}`;

  test("in React Native: connected in the foreground, and what is unsent survives the app's end", async () => {
    const script = await bundle(blockOf(blocks, "native.ts").replaceAll(DOCUMENTED_SERVER, url()));
    const device = new Device();
    const first = new App(script, device);
    const user = await first.module.session.register({ username: "mina", password: "a courtyard at noon" });
    const client = first.module.connect(user.id);
    clients.push(client);
    await until("a connection", () => client.status.get().phase === "open");
    const room = await client.rest.createRoom({ name: "Courtyard", kind: "private" });
    await within("an acknowledgement", client.send(room.id, "one").done);
    assert.equal((await client.rest.listMessages(room.id, { limit: 5 })).items.length, 1);

    first.becomes("background");
    assert.equal(client.status.get().phase, "stopped");
    client.send(room.id, "two");
    await untilKept(device, "two");

    const second = new App(script, device);
    const kept = await second.module.session.user();
    assert.equal(kept?.id, user.id, "the sign-in survives, too");
    const again = second.module.connect(user.id);
    clients.push(again);
    const texts: string[] = [];
    const onItem = (event: { kind: string; message?: { text: string } }) => {
      if (event.kind === "message") texts.push(event.message?.text ?? "");
    };
    again.subscribe(room.id, { onItem }, { since: 0 });
    await until("both messages", () => texts.length === 2);
    await within("the third one", again.send(room.id, "three").done);
    await until("the third one", () => texts.length === 3);
    assert.deepEqual(texts, ["one", "two", "three"]);
  });

  test("a token of the site's backend is accepted, and names the site's user", async () => {
    const folder = await mkdtemp(join(tmpdir(), "madang-backend-"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "chat-token.js"), blockOf(blocks, "chat-token.js"));
    const { chatToken } = (await import(pathToFileURL(join(folder, "chat-token.js")).href)) as {
      chatToken: (user: object, secret: string) => string;
    };
    const secret = settingsOf(blockOf(blocks, "issuer"))["MADANG_ISSUER_SECRET"] as string;
    const user = { id: "7", username: "joon", name: "Joon" };
    const connect = (key: string) => {
      const client = new Client({ url: url(), account: "7", tokens: () => chatToken(user, key), storage: memoryStorage() });
      clients.push(client);
      client.start();
      return client;
    };
    const client = connect(secret);
    await until("a connection", () => client.status.get().phase === "open");
    assert.equal(client.user?.name, "Joon");
    const other = connect(secret.replace("chance", "choice"));
    await until("a refusal", () => other.status.get().phase === "denied");
    await rm(folder, { recursive: true, force: true });
  });
});

/** Until the device has the message. */
async function untilKept(device: Device, text: string): Promise<void> {
  let kept = false;
  const look = async () => {
    const all = await device.storage.multiGet(await device.storage.getAllKeys());
    kept = all.some(([key, value]) => key?.startsWith("outbox/") && value?.includes(`"${text}"`));
  };
  await until(`"${text}" in the storage`, () => {
    void look();
    return kept;
  });
}
