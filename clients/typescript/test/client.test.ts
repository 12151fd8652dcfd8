// A client in simulated time: its handshake, its tabs, and its handlers.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Client, type ClientOptions, type RoomEvent } from "../src/index.js";
import { OUTBOX_MAX } from "../src/sync/outbox.js";
import { LEADER_BEAT_MS, LEADER_DEADLINE_MS } from "../src/tabs/shared-link.js";
import { Browser } from "./model/browser.js";
import { Server, type Socket } from "./model/server.js";
import { Life, World } from "./model/world.js";

const ROOM = "00000000-0000-4000-8000-000000000001";
const OTHER = "00000000-0000-4000-8000-000000000002";

function setUp() {
  const world = new World(7);
  const server = new Server(world);
  const browser = new Browser(world, server, "mina");
  const urls: string[] = [];
  const written: { type: string; token?: string }[] = [];
  const tab = (more: Partial<ClientOptions> = {}, change: (environment: ReturnType<Browser["environment"]>) => void = () => {}) => {
    const life = new Life();
    const environment = browser.environment(life);
    const Base = environment.WebSocket as unknown as new (url: string) => Socket;
    environment.WebSocket = class extends Base {
      constructor(url: string) {
        super(url);
        urls.push(url);
      }
      override send(data: string): void {
        written.push(JSON.parse(data));
        super.send(data);
      }
    };
    change(environment);
    const tokens = () => ({ token: "secret", expiresInMs: 900_000 });
    const client = new Client({ url: "http://server", account: "mina", tokens, storage: browser.storage(life), environment, page: undefined, ...more });
    client.start();
    return { life, client };
  };
  return { world, server, browser, urls, written, tab };
}

describe("the handshake", () => {
  test("no token stands in an address", async () => {
    for (const handshake of ["ticket", "frame"] as const) {
      const { world, urls, written, tab } = setUp();
      tab({ handshake });
      await world.pass(1_000);
      assert.ok(urls.length > 0);
      for (const url of urls) assert.doesNotMatch(url, /secret|token/);
      assert.equal(written[0]?.type === "auth" && written[0].token === "secret", handshake === "frame");
    }
  });

  test("each attempt takes a ticket of its own", async () => {
    const { world, server, urls, tab } = setUp();
    tab();
    await world.pass(1_000);
    for (const socket of server.sockets) socket.end(1006);
    await world.pass(2_000);
    assert.equal(new Set(urls).size, 2);
  });

  test("a socket whose handshake fails with an error and no close is followed by the next one", async () => {
    const { world, server, tab } = setUp();
    let made = 0;
    tab({}, (environment) => {
      const Base = environment.WebSocket as unknown as new (url: string) => Socket;
      environment.WebSocket = class extends Base {
        constructor(url: string) {
          super(url);
          made += 1;
          if (made > 1) return;
          this.fallSilent();
          world.after(10, () => this.onerror?.());
        }
      };
    });
    await world.pass(2_000);
    assert.equal(made, 2);
    assert.equal(server.sockets.size, 1);
  });

  test("the credential of an open socket is renewed on it, before its end", async () => {
    const { world, urls, written, tab } = setUp();
    let given = 0;
    const replaced: (string | undefined)[] = [];
    tab({
      tokens: ({ replace }) => {
        replaced.push(replace);
        return { token: `token-${(given += 1)}`, expiresInMs: 900_000 };
      },
    });
    await world.pass(10_000);
    assert.equal(written.filter(({ type }) => type === "auth").length, 0);
    await world.pass(900_000 * 0.86 * 3);
    const renewals = written.filter(({ type }) => type === "auth").map(({ token }) => token);
    assert.deepEqual(renewals.slice(0, 3), ["token-2", "token-3", "token-4"]);
    assert.deepEqual(replaced.slice(1, 4), ["token-1", "token-2", "token-3"]);
    assert.equal(urls.length, 1, "the socket stayed");
  });

  test("a ticket of the site's backend needs no token", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab({ tokens: () => null, ticket: async () => server.ticket("mina") });
    await world.pass(1_000);
    assert.equal(client.status.get().phase, "open");
  });

  test("without a sign-in, or without a WebSocket, it says so and does not go on", async () => {
    const { world, tab } = setUp();
    const nobody = tab({ tokens: () => null, account: "a" }).client;
    const old = tab({ account: "b" }, (environment) => (environment.WebSocket = undefined)).client;
    await world.pass(60_000);
    const [first, second] = [nobody.status.get(), old.status.get()];
    assert.equal(first.phase === "denied" && first.error.code, "unauthenticated");
    assert.equal(second.phase === "denied" && second.error.code, "failed_precondition");
  });
});

describe("sending", () => {
  test("a key that is on its way is sent once, and each of its calls hears of the end", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab();
    const [first, second] = [client.send(ROOM, "once", { key: "k" }), client.send(ROOM, "other", { key: "k" })];
    await world.pass(1_000);
    assert.deepEqual([(await first.done).seq, (await second.done).seq, server.log(ROOM).length], [1, 1, 1]);
  });

  test("a key that is on its way is refused in another room, where it would be another message", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab();
    const first = client.send(ROOM, "hello", { key: "k" });
    assert.throws(() => client.send(OTHER, "hello", { key: "k" }), { code: "failed_precondition" });
    await world.pass(1_000);
    assert.equal((await first.done).seq, 1);
    const second = client.send(OTHER, "hello", { key: "k" });
    await world.pass(1_000);
    await second.done;
    assert.deepEqual([server.log(ROOM).length, server.log(OTHER).length], [1, 1]);
  });

  test("a message that finds no room can be sent later, under its key", async () => {
    const { world, server, tab } = setUp();
    server.down = true;
    const { client } = tab();
    const waiting = Array.from({ length: OUTBOX_MAX }, (_, place) => client.send(ROOM, `${place}`));
    assert.throws(() => client.send(OTHER, "late", { key: "late" }), { code: "rate_limited" });
    client.discard(ROOM, waiting[0]!.key);
    const { done } = client.send(OTHER, "late", { key: "late" });
    server.down = false;
    await world.pass(40_000);
    assert.deepEqual([(await done).seq, server.log(OTHER).length], [1, 1]);
  });
});

describe("many rooms", () => {
  test("what is followed and left in one turn is asked for in frames of a hundred", async () => {
    const { world, server, written, tab } = setUp();
    const { client } = tab({ shareTabs: false });
    await world.pass(1_000);
    const rooms = Array.from({ length: 250 }, (_, place) => `00000000-0000-4000-8000-${String(place).padStart(12, "0")}`);
    const sizes = (type: string) => written.filter((frame) => frame.type === type).map((frame) => (frame as unknown as { rooms: unknown[] }).rooms.length);
    const followed = rooms.map((room) => client.subscribe(room, { onItem: () => {} }));
    await world.pass(1_000);
    assert.deepEqual(sizes("subscribe"), [100, 100, 50]);
    for (const subscription of followed) subscription.close();
    // Who comes back in the same turn stays.
    client.subscribe(rooms[0]!, { onItem: () => {} });
    await world.pass(1_000);
    assert.deepEqual(sizes("unsubscribe"), [100, 100, 49]);
    assert.deepEqual([...server.sockets].map((socket) => [...socket.rooms]), [[rooms[0]]]);
  });
});

describe("tabs", () => {
  test("what a closed tab has followed is left in frames of a hundred rooms", async () => {
    const { world, server, browser, written, tab } = setUp();
    tab();
    await world.pass(1_000);
    const { life, client } = tab();
    await world.pass(1_000);
    for (let count = 0; count < 250; count += 1) {
      client.subscribe(`00000000-0000-4000-8000-${String(count).padStart(12, "0")}`, { onItem: () => {} });
    }
    await world.pass(1_000);
    assert.deepEqual([...server.sockets].map(({ rooms }) => rooms.size), [250]);
    browser.kill(life);
    await world.pass(1_000);
    const left = written.filter(({ type }) => type === "unsubscribe") as unknown as { rooms: string[] }[];
    assert.deepEqual(left.map(({ rooms }) => rooms.length), [100, 100, 50]);
    assert.deepEqual([...server.sockets].map(({ rooms }) => rooms.size), [0]);
  });

  test("share one socket, and each is told everything once", async () => {
    const { world, server, tab } = setUp();
    const shown = await Promise.all(
      [0, 1, 2].map(async () => {
        const { client } = tab();
        const seqs: number[] = [];
        client.subscribe(ROOM, { onItem: ({ seq }) => void seqs.push(seq) }, { since: 0 });
        await world.pass(100);
        return seqs;
      }),
    );
    for (let count = 0; count < 5; count += 1) server.append(ROOM, "joon", `k${count}`, "text");
    await world.pass(1_000);
    assert.equal(server.sockets.size, 1);
    assert.deepEqual(shown, [1, 2, 3].map(() => [1, 2, 3, 4, 5]));
  });

  test("one that is left by the leader goes on at once, and resends", async () => {
    const { world, server, browser, tab } = setUp();
    const leader = tab();
    await world.pass(1_000);
    const follower = tab();
    await world.pass(1_000);
    follower.client.send(ROOM, "on its way");
    browser.kill(leader.life);
    await world.pass(2_000);
    assert.equal(follower.client.status.get().phase, "open");
    assert.equal(server.log(ROOM).length, 1);
    assert.equal(follower.client.outgoing.get().length, 0);
  });

  test("what a closed tab has not sent is sent by another one", async () => {
    const { world, server, browser, tab } = setUp();
    server.down = true;
    const first = tab();
    const second = tab();
    await world.pass(100);
    second.client.send(ROOM, "left behind");
    await world.pass(100);
    browser.kill(second.life);
    server.down = false;
    await world.pass(40_000);
    assert.equal(server.log(ROOM).length, 1);
    assert.equal(first.client.status.get().phase, "open");
  });

  test("a leader that the system has stopped is replaced when the user looks at another tab, and steps back", async () => {
    const { world, server, tab } = setUp();
    const leader = tab();
    await world.pass(1_000);
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const follower = tab({ page: { window, document } });
    await world.pass(1_000);
    leader.life.freeze();
    for (const socket of server.sockets) socket.fallSilent();
    document.dispatchEvent(new Event("visibilitychange"));
    await world.pass(LEADER_DEADLINE_MS + 1_000);
    assert.equal(follower.client.status.get().phase, "open");
    follower.client.send(ROOM, "works");
    await world.pass(1_000);
    assert.equal(server.log(ROOM).length, 1);
    leader.life.thaw();
    await world.pass(30_000);
    assert.equal(server.sockets.size, 1);
    leader.client.send(ROOM, "works, too");
    await world.pass(1_000);
    assert.equal(server.log(ROOM).length, 2);
  });

  test("a tab that believes in a leader which is none is set right by the present one", async () => {
    const { world, server, browser, tab } = setUp();
    tab();
    await world.pass(1_000);
    const follower = tab();
    await world.pass(1_000);
    // What a stopped leader had still to say arrives late.
    const ghost = browser.environment(new Life()).openChannel?.("madang:http://server:mina");
    const user = { id: "mina", name: "mina", avatar_url: null };
    const limits = { frame_bytes: 65_536, text_chars: 4_000, subscribe_rooms: 100, replay_events: 500 };
    const hello = { type: "hello", session: "s", user, heartbeat_ms: 15_000, limits };
    ghost?.postMessage({ type: "opened", connection: "ghost.1", hello, from: "ghost" });
    await world.pass(100);
    const seqs: number[] = [];
    follower.client.subscribe(ROOM, { onItem: ({ seq }) => void seqs.push(seq) }, { since: 0 });
    server.append(ROOM, "joon", "k", "text");
    await world.pass(LEADER_BEAT_MS);
    assert.deepEqual(seqs, [1]);
  });

  test("a room that one tab leaves is still told to the other, and left when nobody wants it", async () => {
    const { world, server, tab } = setUp();
    const [one, other] = [tab().client, tab().client];
    const seqs: number[] = [];
    const first = one.subscribe(ROOM, { onItem: () => {} }, { since: 0 });
    const second = other.subscribe(ROOM, { onItem: ({ seq }) => void seqs.push(seq) }, { since: 0 });
    await world.pass(1_000);
    first.close();
    await world.pass(1_000);
    server.append(ROOM, "joon", "k", "text");
    await world.pass(1_000);
    assert.deepEqual(seqs, [1]);
    second.close();
    await world.pass(1_000);
    assert.deepEqual([...server.sockets].map(({ rooms }) => rooms.size), [0]);
  });

  test("a page that the browser keeps for later gives up its socket, and takes it again", async () => {
    const { world, server, tab } = setUp();
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const { client } = tab({ page: { window, document } });
    await world.pass(1_000);
    window.dispatchEvent(new Event("pagehide"));
    await world.pass(1_000);
    assert.equal(server.sockets.size, 0);
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    await world.pass(1_000);
    assert.equal(client.status.get().phase, "open");
  });

  test("without Web Locks each tab has a socket of its own", async () => {
    const { world, server, tab } = setUp();
    for (let count = 0; count < 2; count += 1) tab({}, (environment) => (environment.locks = undefined));
    await world.pass(1_000);
    assert.equal(server.sockets.size, 2);
  });
});

describe("listeners that throw", () => {
  const fail = () => {
    throw new Error("of the application");
  };
  let reported: unknown[];
  beforeEach(() => {
    reported = [];
    globalThis.reportError = (error) => void reported.push(error);
  });
  afterEach(() => Reflect.deleteProperty(globalThis, "reportError"));

  test("of events: the others are told, and everything goes on", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab();
    const seqs: number[] = [];
    let passing = 0;
    for (const name of ["passing", "acknowledged", "refused", "error"] as const) client.on(name, fail);
    client.on("passing", () => void (passing += 1));
    client.outgoing.subscribe(fail);
    client.subscribe(ROOM, { onItem: ({ seq }) => void seqs.push(seq), onStarted: fail });
    await world.pass(1_000);
    for (const socket of server.sockets) socket.tell({ type: "typing", room: ROOM, user: "joon", name: "Joon", on: true });
    await world.pass(1_000);
    client.send(ROOM, "가".repeat(40_000));
    const { done } = client.send(ROOM, "hello");
    await world.pass(1_000);
    assert.deepEqual([passing, seqs, (await done).seq], [1, [1], 1]);
    server.append(ROOM, "joon", "k", "text");
    await world.pass(1_000);
    assert.deepEqual(seqs, [1, 2]);
    assert.ok(reported.length >= 6);
  });

  test("of the status: the client connects again", async () => {
    const { world, server, tab } = setUp();
    // Of the tab that leads, and of one that has a socket of its own.
    for (const shareTabs of [true, false]) {
      const { client } = tab({ shareTabs, account: `${shareTabs}` });
      client.status.subscribe(fail);
      await world.pass(1_000);
      for (const socket of server.sockets) socket.cut();
      await world.pass(40_000);
      assert.equal(client.status.get().phase, "open");
      client.close();
    }
    assert.ok(reported.length > 0);
  });

  test("where nobody takes reports, the console has them", (context) => {
    Reflect.deleteProperty(globalThis, "reportError");
    const written = context.mock.method(console, "error", () => {});
    const { client } = setUp().tab();
    client.outgoing.subscribe(fail);
    client.send(ROOM, "hello");
    assert.equal((written.mock.calls[0]?.arguments[0] as Error).message, "of the application");
  });
});

describe("handlers", () => {
  test("the next event waits for the promise of the one before", async () => {
    const { world, server, tab } = setUp();
    const told: string[] = [];
    const onItem = async ({ seq }: RoomEvent) => {
      told.push(`begin ${seq}`);
      await world.sleep(100, new Life());
      told.push(`end ${seq}`);
    };
    tab().client.subscribe(ROOM, { onItem, onCaughtUp: (seq) => void told.push(`caught up ${seq}`) }, { since: 0 });
    for (let count = 0; count < 2; count += 1) server.append(ROOM, "joon", `k${count}`, "text");
    await world.pass(2_000);
    assert.deepEqual(told, ["begin 1", "end 1", "begin 2", "end 2", "caught up 2"]);
  });

  test("one that fails gets the same event again, and its place is not kept", async () => {
    const { world, server, browser, tab } = setUp();
    const { client } = tab();
    let failures = 2;
    const seqs: number[] = [];
    const errors: unknown[] = [];
    client.on("error", (error) => errors.push(error));
    const onItem = ({ seq }: RoomEvent) => {
      if (seq === 2 && failures > 0) {
        failures -= 1;
        throw new Error("the disk is full");
      }
      seqs.push(seq);
    };
    client.subscribe(ROOM, { onItem }, { since: 0, stored: true });
    for (let count = 0; count < 3; count += 1) server.append(ROOM, "joon", `k${count}`, "text");
    await world.pass(300);
    const kept = async () => {
      const value = browser.storage(new Life()).get("cursors", `madang:http://server:mina:${ROOM}`);
      await world.pass(10);
      return ((await value) as { seq: number }).seq;
    };
    assert.equal(await kept(), 1);
    await world.pass(10_000);
    assert.deepEqual(seqs, [1, 2, 3]);
    assert.equal(await kept(), 3);
    assert.equal(errors.length, 2);
  });

  test("one that throws when the subscription begins, is caught up or closes, is told, and what is behind it comes", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab();
    const [errors, told]: string[][] = [[], []];
    client.on("error", (error) => void errors!.push((error as Error).message));
    const fail = (name: string) => () => {
      told!.push(name);
      throw new Error(name);
    };
    const handlers = { onStarted: fail("started"), onCaughtUp: fail("caught up"), onReset: fail("reset"), onClosed: fail("closed") };
    client.subscribe(ROOM, { ...handlers, onItem: ({ seq }) => void told!.push(`${seq}`) });
    await world.pass(1_000);
    server.append(ROOM, "joon", "k", "text");
    await world.pass(1_000);
    assert.deepEqual(told, ["started", "caught up", "1"]);
    server.happen(ROOM, { kind: "room", properties: { by: "joon", deleted: true } });
    await world.pass(1_000);
    assert.deepEqual(told, ["started", "caught up", "1", "2", "closed"]);
    assert.deepEqual(errors, ["started", "caught up", "closed"]);
    // Another history: its end is before the place that is given.
    client.subscribe(OTHER, { ...handlers, onItem: ({ seq }) => void told!.push(`other ${seq}`) }, { since: 9 });
    await world.pass(1_000);
    server.append(OTHER, "joon", "k", "text");
    await world.pass(1_000);
    assert.deepEqual(told!.slice(5), ["reset", "caught up", "other 1"]);
  });

  test("the place at which a subscription begins is kept before its first event", async () => {
    // Else a page that ends after the first event would begin elsewhere the next time.
    for (const since of [{ since: 0 }, {}]) {
      const { world, server, browser, tab } = setUp();
      const life = new Life();
      const storage = browser.storage(life);
      const update: typeof storage.update = async (store, key, change) => {
        if (store === "cursors") await world.sleep(3_000, life);
        return storage.update(store, key, change);
      };
      const { client } = tab({ storage: { ...storage, update } });
      const seqs: number[] = [];
      client.subscribe(ROOM, { onItem: ({ seq }) => void seqs.push(seq) }, { ...since, stored: true });
      await world.pass(1_000);
      server.append(ROOM, "joon", "k", "text");
      await world.pass(1_000);
      assert.deepEqual(seqs, []);
      await world.pass(3_000);
      assert.deepEqual(seqs, [1]);
    }
  });

  test("a handler may send", async () => {
    const { world, server, tab } = setUp();
    const { client } = tab();
    const onItem = (event: RoomEvent) => {
      if (event.kind === "message" && event.message.sender.id === "joon") client.send(ROOM, `re: ${event.message.text}`);
    };
    client.subscribe(ROOM, { onItem }, { since: 0 });
    for (let count = 0; count < 3; count += 1) server.append(ROOM, "joon", `k${count}`, `${count}`);
    await world.pass(3_000);
    const texts = server.log(ROOM).map((event) => (event.kind === "message" ? event.message.text : ""));
    assert.deepEqual(texts, ["0", "1", "2", "re: 0", "re: 1", "re: 2"]);
  });

  test("a room is followed by its id, and once", () => {
    const { tab } = setUp();
    const { client } = tab();
    const handlers = { onItem: () => {} };
    assert.throws(() => client.subscribe("courtyard", handlers), { code: "invalid_argument" });
    client.subscribe(ROOM, handlers).close();
    client.subscribe(ROOM, handlers);
    assert.throws(() => client.subscribe(ROOM, handlers), { code: "already_exists" });
  });
});
