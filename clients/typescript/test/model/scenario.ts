// One generated story: users who write, a network that breaks, tabs that are closed or reloaded at any moment. What
// their pages show in the end is compared with the server's lists.
import { Client, type InboxNotice, type RoomEvent } from "../../src/index.js";
import { Browser } from "./browser.js";
import { Server } from "./server.js";
import { Life, World } from "./world.js";

const ROOMS = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
const INBOX = "inbox";
const STEPS = 45;
const TABS_MAX = 3;
/** Long enough for every back-off, deadline and heartbeat to end. */
const QUIET_MS = 150_000;

/** The storage takes less: what was sent before this is kept, or the tab has ended meanwhile. */
const KEPT_MS = 5;

/** A defect that a client could have, built in by its surroundings. */
export type Fault = "none" | "cursor before delivery" | "new key for each try";

/** What a page shows of a log, by `seq`. */
type Shown = Map<string, number[]>;

/**
 * An application that keeps what is delivered (`stored`) goes on after a reload where its store ends. One that does not
 * begins with the first event each time, in each tab.
 */
type Kind = "stored" | "in memory";

interface Tab {
  readonly life: Life;
  readonly client: Client;
  readonly shown: Shown;
  /** The texts that this tab has sent to each room, in order. */
  readonly sent: Map<string, string[]>;
}

export class Scenario {
  readonly world: World;
  readonly server: Server;
  readonly browser: Browser;
  readonly kind: Kind;
  readonly problems: string[] = [];
  #tabs: Tab[] = [];
  /** What the application of `stored` keeps. */
  readonly #kept: Shown = new Map();
  /** All that was sent, of tabs that are gone, too. */
  readonly #sent: Tab["sent"][] = [];
  /** The keys whose message has reached the storage: from then on it is promised. */
  readonly #promised = new Set<string>();
  readonly #keyOf = new Map<string, string>();
  #texts = 0;
  #wasCutShort = false;

  constructor(
    seed: number,
    private readonly fault: Fault,
  ) {
    this.world = new World(seed);
    this.server = new Server(this.world);
    this.browser = new Browser(this.world, this.server, "mina");
    this.kind = this.world.chance.is(0.5) ? "stored" : "in memory";
  }

  async play(): Promise<string[]> {
    const { chance } = this.world;
    this.#open();
    for (let time = 0; time < STEPS; time += 1) {
      this.#step();
      await this.world.pass(chance.is(0.1) ? chance.below(40_000) : chance.below(600));
    }
    this.server.down = false;
    this.server.refusing = 0;
    for (const { life } of this.#tabs) life.thaw();
    if (this.#tabs.length === 0) this.#open();
    await this.world.pass(QUIET_MS);
    this.#judge();
    for (const { client } of this.#tabs) client.close();
    return this.problems;
  }

  #step(): void {
    const { chance } = this.world;
    const tab = this.#tabs.length > 0 ? chance.of(this.#tabs) : null;
    switch (chance.below(13)) {
      case 0:
      case 1:
      case 2:
        return tab ? this.#send(tab, 1 + chance.below(4)) : this.#open();
      case 3:
        return this.#others(1 + chance.below(3));
      case 4:
        return this.#others(10 + chance.below(30));
      case 5:
        for (let time = chance.below(20); time >= 0; time -= 1) this.server.notify("mina");
        return;
      case 6:
        for (const socket of [...this.server.sockets]) socket.cut();
        return;
      case 7:
        for (const socket of [...this.server.sockets]) socket.fallSilent();
        return;
      case 8:
        for (const socket of [...this.server.sockets]) {
          socket.tell({ type: "reconnect", after_ms: chance.below(3_000), reason: "restart" });
          this.world.after(50, () => socket.end(1012));
        }
        return;
      case 9:
        if (tab) this.#kill(tab);
        // A reload.
        if (tab && chance.is(0.7)) this.#open();
        return;
      case 10:
        if (this.#tabs.length < (this.kind === "stored" ? 1 : TABS_MAX)) this.#open();
        return;
      case 11:
        this.server.down = chance.is(0.3);
        this.server.refusing = chance.is(0.3) ? 0.4 : 0;
        return;
      case 12:
        if (!tab) return;
        // A tab that the system has stopped: later everything happens to it at once.
        this.#wasCutShort = true;
        tab.life.freeze();
        this.world.after(chance.below(20_000), () => tab.life.thaw());
        return;
    }
  }

  #send(tab: Tab, count: number): void {
    for (let time = 0; time < count; time += 1) {
      const room = this.world.chance.of(ROOMS);
      this.#texts += 1;
      const text = `text ${this.#texts}`;
      const { key } = tab.client.send(room, text);
      if (!tab.client.outgoing.get().some((message) => message.key === key)) this.problems.push(`${text} is not shown at once`);
      this.#keyOf.set(text, key);
      // Where the tab was stopped meanwhile, what it waited for happens at once: then it has a moment more.
      const judge = () => this.#promised.has(key) || this.problems.push(`${text} is not kept`);
      this.world.after(KEPT_MS, () => this.world.after(KEPT_MS, judge, tab.life), tab.life);
      tab.sent.set(room, [...(tab.sent.get(room) ?? []), text]);
    }
  }

  #others(count: number): void {
    // A tab ends while it is told of it.
    const [tab] = this.#tabs;
    if (tab && this.world.chance.is(0.3)) {
      this.world.after(this.world.chance.below(250), () => {
        if (!this.#tabs.includes(tab)) return;
        this.#kill(tab);
        this.#open();
      });
    }
    for (let time = 0; time < count; time += 1) {
      this.#texts += 1;
      this.server.append(this.world.chance.of(ROOMS), "joon", `joon-${this.#texts}`, `text ${this.#texts}`);
    }
  }

  #kill(tab: Tab): void {
    this.#tabs = this.#tabs.filter((other) => other !== tab);
    this.#wasCutShort ||= this.browser.isWriting(tab.life);
    this.browser.kill(tab.life);
  }

  #open(): void {
    const life = new Life();
    const environment = this.browser.environment(life);
    if (this.fault === "new key for each try") forgetKeys(environment);
    const storage = this.browser.storage(life, (name) => this.#promised.add(name.slice(name.lastIndexOf(":") + 1)));
    const client = new Client({
      url: "http://server",
      account: "mina",
      tokens: () => ({ token: "token", expiresInMs: 1e9 }),
      storage,
      environment,
      page: undefined,
    });
    const tab: Tab = { life, client, shown: this.kind === "stored" ? this.#kept : new Map(), sent: new Map() };
    this.#tabs.push(tab);
    this.#sent.push(tab.sent);
    for (const room of ROOMS) {
      const handlers = { onItem: (event: RoomEvent) => this.#show(tab, room, event.seq) };
      client.subscribe(room, handlers, this.#place(tab, room));
    }
    const handlers = { onItem: (notice: InboxNotice) => this.#show(tab, INBOX, notice.seq) };
    client.subscribeInbox(handlers, this.#place(tab, INBOX));
    client.start();
    // Before it is known what earlier pages have left.
    if (this.world.chance.is(0.3)) this.#send(tab, 1 + this.world.chance.below(3));
  }

  /** From the first event on; with a store, where the kept cursor stands. */
  #place(tab: Tab, topic: string) {
    if (this.kind === "in memory") return { since: 0 };
    return (tab.shown.get(topic) ?? []).length > 0 ? { stored: true } : { since: 0, stored: true };
  }

  /** What the application does with an item: it takes its time, and may end with its tab in the middle. */
  async #show(tab: Tab, topic: string, seq: number): Promise<void> {
    if (this.fault === "cursor before delivery") {
      const name = `madang:http://server:mina:${topic}`;
      await this.browser.storage(tab.life).update("cursors", name, () => ({ seq, epoch: "0badcafe" }));
    }
    await this.world.sleep(this.world.chance.below(20), tab.life);
    let shown = tab.shown.get(topic);
    if (!shown) tab.shown.set(topic, (shown = []));
    const last = shown.at(-1) ?? 0;
    // Where the tab ended between the application's store and the cursor's, the same item comes once more.
    if (this.kind === "stored" && seq <= last) return;
    if (seq !== last + 1) this.problems.push(`${topic}: ${seq} is shown after ${last}`);
    shown.push(seq);
  }

  #judge(): void {
    const texts = new Map(ROOMS.map((room) => [room, this.#textsOf(room)]));
    for (const [place, tab] of this.#tabs.entries()) {
      for (const topic of [...ROOMS, INBOX]) {
        const length = topic === INBOX ? this.server.inbox("mina").length : this.server.log(topic).length;
        const shown = tab.shown.get(topic)?.length ?? 0;
        if (shown !== length) this.problems.push(`tab ${place} shows ${shown} of ${length} of ${topic}`);
      }
      const waiting = tab.client.outgoing.get().length;
      if (waiting > 0) this.problems.push(`${waiting} messages are not sent`);
    }
    for (const sent of this.#sent) {
      for (const [room, own] of sent) this.#judgeSent(texts.get(room) as string[], own);
    }
    if (this.kind === "stored" && !this.#wasCutShort) {
      // One tab after another: what an earlier one has left comes before what a later one sends. Not so where one was
      // stopped while it took that over, for which it does not wait for ever, or ended in the middle of a write.
      for (const room of ROOMS) this.#judgeSent(texts.get(room) as string[], this.#sent.flatMap((sent) => sent.get(room) ?? []));
    }
    const open = [...this.server.sockets].length;
    if (open !== 1) this.problems.push(`${this.#tabs.length} tabs have ${open} sockets`);
  }

  #judgeSent(log: readonly string[], own: readonly string[]): void {
    let last = -1;
    for (const text of own) {
      const first = log.indexOf(text);
      if (first !== log.lastIndexOf(text)) this.problems.push(`${text} stands twice`);
      if (first < 0) {
        if (this.#promised.has(this.#keyOf.get(text) as string)) this.problems.push(`${text} is lost`);
        continue;
      }
      if (first < last) this.problems.push(`${text} stands before what was sent earlier`);
      last = first;
    }
  }

  #textsOf(room: string): string[] {
    return this.server.log(room).flatMap((event) => (event.kind === "message" ? [event.message.text] : []));
  }
}

/** Repetitions of a message get another key on their way to the server, and its answers the one that is expected. */
function forgetKeys(environment: { WebSocket: unknown }): void {
  const Base = environment.WebSocket as new (url: string) => {
    send(data: string): void;
    onmessage: ((event: { data: unknown }) => void) | null;
  };
  const tries = new Map<string, number>();
  environment.WebSocket = class extends Base {
    override send(data: string): void {
      const frame = JSON.parse(data) as { type: string; key: string };
      if (frame.type !== "send") return super.send(data);
      const count = tries.get(frame.key) ?? 0;
      tries.set(frame.key, count + 1);
      if (count > 0) frame.key = `${frame.key}~${count}`;
      super.send(JSON.stringify(frame));
      const { onmessage } = this;
      if (onmessage && !Object.hasOwn(onmessage, "mapped")) {
        const mapped = (event: { data: unknown }) => onmessage({ data: String(event.data).replaceAll(/~\d+"/g, '"') });
        this.onmessage = Object.assign(mapped, { mapped: true });
      }
    }
  };
}
