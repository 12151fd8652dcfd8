// The client against a real server, through a network that breaks.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ClientOptions, Client, MadangError, type RoomEvent, memoryStorage, openSession } from "../src/index.js";
import { type Madang, missingMadang, startMadang } from "./kit/madang.js";
import { Proxy } from "./kit/proxy.js";
import { until, within } from "./kit/until.js";

const missing = missingMadang();
const PASSWORD = "correct horse battery";

describe("against a real server", { skip: missing ?? false }, () => {
  let madang: Madang;
  let proxy: Proxy;
  const clients: Client[] = [];
  let users = 0;

  before(async () => {
    // The rates have tests of their own, at the server.
    madang = await startMadang({ MADANG_SENDS_PER_SECOND: "5000", MADANG_SENDS_BURST: "5000", MADANG_ROOM_SENDS_PER_SECOND: "5000" });
    proxy = await new Proxy(madang.port).start();
  });

  after(async () => {
    for (const client of clients) client.close();
    await proxy?.stop();
    await madang?.stop();
  });

  const direct = () => `http://127.0.0.1:${madang.port}`;
  const broken = () => `http://127.0.0.1:${proxy.port}`;

  /** A new user with a client that is started. */
  async function user(url: string, more: Partial<ClientOptions> = {}) {
    users += 1;
    const session = openSession({ url: direct(), storage: memoryStorage() });
    const account = await session.register({ username: `user${users}`, password: PASSWORD });
    return { account, session, client: client(url, account.id, session.tokens, more) };
  }

  function client(
    url: string,
    account: string,
    tokens: NonNullable<ClientOptions["tokens"]>,
    more: Partial<ClientOptions> = {},
  ) {
    const made = new Client({ url, account, tokens, storage: memoryStorage(), ...more });
    clients.push(made);
    made.start();
    return made;
  }

  const texts = (events: readonly RoomEvent[]) =>
    events.flatMap((event) => (event.kind === "message" ? [event.message.text] : []));

  const isOpen = (one: Client) => () => one.status.get().phase === "open";

  test("a message reaches another user", async () => {
    const mina = await user(direct());
    const joon = await user(direct(), { handshake: "frame" });
    const room = await mina.client.rest.createRoom({ name: "Courtyard", kind: "public" });
    await joon.client.rest.joinRoom(room.id);
    const seen: RoomEvent[] = [];
    joon.client.subscribe(room.id, { onItem: (event) => void seen.push(event) }, { since: 0 });
    const { seq } = await within("an acknowledgement", mina.client.send(room.id, "안녕하세요").done);
    await until("the message", () => texts(seen).length === 1);
    assert.deepEqual(texts(seen), ["안녕하세요"]);
    assert.equal(seen.at(-1)?.seq, seq);
    assert.deepEqual(await mina.client.presence(room.id).then(({ users: who }) => who?.map(({ id }) => id)), [
      joon.account.id,
    ]);
  });

  test("nothing is lost, doubled or out of order over a network that breaks", async () => {
    const mina = await user(broken());
    const joon = await user(broken());
    const room = await mina.client.rest.createRoom({ name: "Breaks", kind: "public" });
    await joon.client.rest.joinRoom(room.id);
    const seen: RoomEvent[] = [];
    joon.client.subscribe(room.id, { onItem: (event) => void seen.push(event) }, { since: 0 });
    await until("both connections", () => isOpen(mina.client)() && isOpen(joon.client)());
    const expected: string[] = [];
    const sent: Promise<unknown>[] = [];
    for (let round = 0; round < 12; round += 1) {
      for (let place = 0; place < 3; place += 1) {
        const text = `${round}.${place}`;
        expected.push(text);
        sent.push(mina.client.send(room.id, text).done);
      }
      if (round % 3 === 0) proxy.deaf = true;
      await new Promise((resolve) => setTimeout(resolve, 60));
      proxy.cut();
      proxy.deaf = false;
    }
    await within("all acknowledgements", Promise.all(sent), 90_000);
    await until("all messages", () => texts(seen).length >= expected.length, 30_000);
    assert.deepEqual(texts(seen), expected);
    assert.deepEqual(
      seen.map(({ seq }) => seq),
      seen.map((_, place) => place + 1),
    );
    assert.equal((await mina.client.rest.getRoom(room.id)).head, seen.length);
  });

  test("more than a replay holds is paged", async () => {
    const mina = await user(direct());
    const room = await mina.client.rest.createRoom({ name: "Long", kind: "private" });
    // The server replays at most 500 events.
    const total = 520;
    for (let sent = 0; sent < total; sent += 20) {
      const texts = Array.from({ length: 20 }, (_, place) => `${sent + place}`);
      await Promise.all(texts.map((text) => mina.client.rest.sendMessage(room.id, { text })));
    }
    const seen: RoomEvent[] = [];
    mina.client.subscribe(room.id, { onItem: (event) => void seen.push(event) }, { since: 0 });
    await until("the whole history", () => texts(seen).length >= total, 30_000);
    assert.deepEqual(
      seen.map(({ seq }) => seq),
      seen.map((_, place) => place + 1),
    );
  });

  test("an unsent message survives a reload, and is sent once", async () => {
    const storage = memoryStorage();
    const mina = await user(broken(), { storage });
    const room = await mina.client.rest.createRoom({ name: "Reload", kind: "private" });
    await until("a connection", isOpen(mina.client));
    proxy.deaf = true;
    mina.client.send(room.id, "first");
    mina.client.send(room.id, "second");
    await new Promise((resolve) => setTimeout(resolve, 200));
    mina.client.close();
    proxy.cut();
    proxy.deaf = false;
    const again = client(broken(), mina.account.id, mina.session.tokens, { storage });
    const third = again.send(room.id, "third").done;
    await within("the third message", third, 30_000);
    const { items } = await again.rest.listMessages(room.id, { after: 0 });
    assert.deepEqual(
      items.map(({ text }) => text),
      ["first", "second", "third"],
    );
  });

  test("a kept cursor goes on after a reload", async () => {
    const storage = memoryStorage();
    const mina = await user(direct(), { storage });
    const room = await mina.client.rest.createRoom({ name: "Cursor", kind: "private" });
    const before: RoomEvent[] = [];
    let started = false;
    const handlers = { onItem: (event: RoomEvent) => void before.push(event), onStarted: () => (started = true) };
    mina.client.subscribe(room.id, handlers, { stored: true });
    await until("the subscription", () => started);
    await within("an acknowledgement", mina.client.send(room.id, "one").done);
    await until("the first message", () => texts(before).length === 1);
    mina.client.close();
    await mina.client.rest.sendMessage(room.id, { text: "two" });
    const again = client(direct(), mina.account.id, mina.session.tokens, { storage });
    const after: RoomEvent[] = [];
    again.subscribe(room.id, { onItem: (event) => void after.push(event) }, { stored: true });
    await until("the second message", () => texts(after).length > 0);
    assert.deepEqual(texts(after), ["two"]);
  });

  test("the inbox is followed from a place, over a broken connection", async () => {
    const mina = await user(broken());
    const joon = await user(direct());
    const notices: number[] = [];
    mina.client.subscribeInbox({ onItem: ({ seq }) => void notices.push(seq) }, { since: 0 });
    const room = await joon.client.rest.createRoom({ name: "Named", kind: "public" });
    await mina.client.rest.joinRoom(room.id);
    for (let round = 0; round < 4; round += 1) {
      await joon.client.rest.sendMessage(room.id, { text: `@${mina.account.username} ${round}` });
      proxy.cut();
    }
    await until("four mentions", () => notices.length >= 4);
    assert.deepEqual(notices, [1, 2, 3, 4]);
  });

  test("a refused message says why, and the next one goes on", async () => {
    const mina = await user(direct());
    const joon = await user(direct());
    const room = await joon.client.rest.createRoom({ name: "Private", kind: "private" });
    const refused = mina.client.send(room.id, "let me in");
    await assert.rejects(within("a refusal", refused.done), (error: unknown) => {
      assert.ok(error instanceof MadangError);
      // The room is not told apart from one that is not there.
      assert.ok(["not_found", "permission_denied"].includes(error.code), error.code);
      return true;
    });
    assert.deepEqual(mina.client.outgoing.get(), []);
  });

  test("who is removed hears that, and nothing more", async () => {
    const mina = await user(direct());
    const joon = await user(direct());
    const room = await mina.client.rest.createRoom({ name: "Removed", kind: "public" });
    await joon.client.rest.joinRoom(room.id);
    let closed: MadangError | null | undefined;
    const seen: RoomEvent[] = [];
    joon.client.subscribe(room.id, { onItem: (event) => void seen.push(event), onClosed: (error) => (closed = error) }, { since: 0 });
    await until("the room", () => seen.length > 0);
    await mina.client.rest.removeMember(room.id, joon.account.id);
    await until("the end of the subscription", () => closed !== undefined);
    assert.equal(closed, null);
    assert.equal(seen.at(-1)?.kind, "left");
    await joon.client.rest.joinRoom(room.id);
    const again: RoomEvent[] = [];
    joon.client.subscribe(room.id, { onItem: (event) => void again.push(event) }, { since: 0 });
    await within("a message", mina.client.send(room.id, "welcome back").done);
    await until("the message", () => texts(again).includes("welcome back"));
  });

  test("a restart of the server loses nothing, and the client obeys when it says to come back", async () => {
    const mina = await user(direct());
    const room = await mina.client.rest.createRoom({ name: "Restart", kind: "private" });
    const seen: RoomEvent[] = [];
    mina.client.subscribe(room.id, { onItem: (event) => void seen.push(event) }, { since: 0 });
    await until("a connection", isOpen(mina.client));
    const expected = Array.from({ length: 20 }, (_, place) => `${place}`);
    const sent = expected.map((text) => mina.client.send(room.id, text).done);
    await madang.restart();
    await within("all acknowledgements", Promise.all(sent), 60_000);
    await until("all messages", () => texts(seen).length >= expected.length, 30_000);
    assert.deepEqual(texts(seen), expected);
  });

  test("a socket outlives its first token", async () => {
    const brief = await startMadang({ MADANG_AUTH_ACCESS_TOKEN_SECONDS: "4" });
    try {
      const url = `http://127.0.0.1:${brief.port}`;
      const session = openSession({ url, storage: memoryStorage() });
      const account = await session.register({ username: "mina", password: PASSWORD });
      const mina = client(url, account.id, session.tokens);
      await until("a connection", isOpen(mina));
      const phases: string[] = [];
      mina.status.subscribe(() => phases.push(mina.status.get().phase));
      // Twice the life of a token: without a renewal the server closes the socket.
      await new Promise((resolve) => setTimeout(resolve, 9_000));
      assert.deepEqual(phases, []);
      assert.equal((await mina.rest.getMe()).id, account.id);
      mina.close();
    } finally {
      await brief.stop();
    }
  });

  test("a field that is wrong is named", async () => {
    const session = openSession({ url: direct(), storage: memoryStorage() });
    await assert.rejects(session.register({ username: "a b", password: PASSWORD }), (error: unknown) => {
      assert.ok(error instanceof MadangError);
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(error.errors.map(({ pointer }) => pointer), ["/username"]);
      return true;
    });
  });

  test("a revoked session is denied, and no sooner tried again than after a sign-in", async () => {
    const mina = await user(direct());
    await until("a connection", isOpen(mina.client));
    const { items } = await mina.client.rest.listSessions();
    const current = items.find((session) => session.current);
    await mina.client.rest.revokeSession(current?.id as string);
    await until("the refusal", () => mina.client.status.get().phase === "denied");
    const status = mina.client.status.get();
    assert.equal(status.phase === "denied" && status.error.code, "unauthenticated");
    await mina.session.login({ username: mina.account.username, password: PASSWORD });
    mina.client.start();
    await until("a connection", isOpen(mina.client));
  });
});
