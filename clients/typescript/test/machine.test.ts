// The machine of a connection: what it decides, step by step, without a network and without timers.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CLOSE_CODES } from "../src/contract/codes.js";
import {
  COME_BACK_MAX_MS,
  type Effect,
  INITIAL,
  type Input,
  OFFLINE_RETRY_MS,
  PONG_DEADLINE_MS,
  PROBE_DEADLINE_MS,
  RENEW_FROM,
  RENEW_TO,
  type State,
  TOO_MANY_PAUSE_MS,
  step,
} from "../src/connection/machine.js";

const HEARTBEAT_MS = 15_000;
const LIFETIME_MS = 900_000;

/** A machine with what it did last. */
class Told {
  state: State = INITIAL;
  effects: readonly Effect[] = [];
  fraction = 0.5;

  tell(...inputs: Input[]): this {
    for (const input of inputs) {
      const { state, effects } = step(this.state, input, () => this.fraction);
      this.state = state;
      this.effects = effects;
    }
    return this;
  }

  open(lifetimeMs: number | null = LIFETIME_MS): this {
    this.tell({ type: "start" });
    return this.reopen(lifetimeMs);
  }

  reopen(lifetimeMs: number | null = LIFETIME_MS): this {
    const { attempt } = this.state;
    return this.tell({ type: "credential", attempt, lifetimeMs }, { type: "hello", heartbeatMs: HEARTBEAT_MS });
  }

  close(code: number): this {
    return this.tell({ type: "closed", attempt: this.state.attempt, code });
  }

  retry(): this {
    return this.tell({ type: "timer", name: "retry" });
  }

  did<Type extends Effect["type"]>(type: Type): (Effect & { type: Type })[] {
    return this.effects.filter((effect): effect is Effect & { type: Type } => effect.type === type);
  }

  timer(name: string): number | undefined {
    return this.did("setTimer").find((effect) => effect.name === name)?.ms;
  }
}

describe("back-off", () => {
  test("each pause is drawn from zero to a bound that doubles up to a maximum", () => {
    const machine = new Told().open();
    machine.fraction = 1;
    const bounds: (number | undefined)[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      machine.close(1006);
      bounds.push(machine.timer("retry"));
      machine.retry().tell({ type: "credential", attempt: machine.state.attempt, lifetimeMs: null });
    }
    assert.deepEqual(bounds, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    machine.fraction = 0;
    assert.equal(machine.close(1006).timer("retry"), 0);
    machine.retry().tell({ type: "credential", attempt: machine.state.attempt, lifetimeMs: null });
    machine.fraction = 0.25;
    assert.equal(machine.close(1006).timer("retry"), 7_500);
  });

  test("only a connection that lasts ends the count of failures", () => {
    const machine = new Told().open();
    machine.fraction = 1;
    machine.close(1006).retry().reopen().close(4508);
    assert.equal(machine.timer("retry"), 1_000);
    machine.retry().reopen().tell({ type: "timer", name: "stable" }).close(4508);
    assert.equal(machine.timer("retry"), 500);
  });

  test("a server that says when to come back is obeyed, once", () => {
    const machine = new Told().open().tell({ type: "reconnect", afterMs: 2_835 }).close(1012);
    assert.equal(machine.timer("retry"), 2_835);
    machine.tell({ type: "visible" }, { type: "online" });
    assert.equal(machine.timer("retry"), undefined, "nothing shortens the server's wish");
    machine.retry().tell({ type: "credential", attempt: machine.state.attempt, lifetimeMs: null }).close(1006);
    assert.ok((machine.timer("retry") as number) <= 1_000);
  });

  test("a busy server, which says it in the place of hello, is obeyed and gets another credential", () => {
    const machine = new Told().tell({ type: "start" });
    machine.tell({ type: "credential", attempt: 1, lifetimeMs: null }, { type: "reconnect", afterMs: 700 }).close(1012);
    assert.equal(machine.timer("retry"), 700);
    assert.deepEqual(machine.retry().did("fetchCredential"), [{ type: "fetchCredential", attempt: 2, replace: false }]);
  });

  test("what a server asks for has a bound", () => {
    const machine = new Told().open().tell({ type: "reconnect", afterMs: 1e12 }).close(1012);
    assert.equal(machine.timer("retry"), COME_BACK_MAX_MS);
  });
});

describe("close codes", () => {
  for (const [code, { name, retry }] of Object.entries(CLOSE_CODES)) {
    test(`${code} (${name}) is ${retry || name === "unauthenticated" ? "" : "not "}tried again`, () => {
      const machine = new Told().open().close(Number(code));
      assert.equal(machine.state.phase, retry || name === "unauthenticated" ? "waiting" : "denied");
      assert.equal(machine.did("lost").length, 1);
    });
  }

  for (const code of [1000, 1001, 1005, 1006, 1011, 1013, 4999]) {
    test(`${code}, which is not in the table, is tried again`, () => {
      assert.equal(new Told().open().close(code).state.phase, "waiting");
    });
  }

  test("after 4401 another token is asked for; if that is refused too, it ends", () => {
    const machine = new Told().open().close(4401).retry();
    assert.deepEqual(machine.did("fetchCredential"), [{ type: "fetchCredential", attempt: 2, replace: true }]);
    machine.tell({ type: "credential", attempt: 2, lifetimeMs: null }).close(4401);
    assert.deepEqual(machine.did("denied"), [{ type: "denied", closeCode: 4401 }]);
  });

  test("an expired token is followed by another one as often as it expires", () => {
    const machine = new Told().open();
    for (let time = 0; time < 5; time += 1) machine.close(4401).retry().reopen();
    assert.equal(machine.state.phase, "open");
  });

  test("after 4429 there is a pause, however few failures there were", () => {
    const machine = new Told().open();
    machine.fraction = 0;
    assert.equal(machine.close(4429).timer("retry"), TOO_MANY_PAUSE_MS);
  });

  test("a start after a denial asks for another credential", () => {
    const machine = new Told().open().close(4403).tell({ type: "start" });
    assert.equal(machine.did("fetchCredential")[0]?.replace, true);
  });
});

describe("credentials", () => {
  test("a token is renewed by the length of its life", () => {
    for (const fraction of [0, 0.5, 0.999]) {
      const machine = new Told();
      machine.fraction = fraction;
      const ms = machine.open().timer("renew") as number;
      const certainMs = LIFETIME_MS - 1_000;
      assert.ok(ms >= certainMs * RENEW_FROM && ms <= certainMs * RENEW_TO, String(ms));
    }
  });

  test("a renewal that goes well is followed by the next one, and one that fails by another try", () => {
    const machine = new Told().open().tell({ type: "timer", name: "renew" });
    assert.deepEqual(machine.did("renew"), [{ type: "renew", attempt: 1 }]);
    machine.tell({ type: "renewalFailed", attempt: 1, retryable: true, retryAfterMs: 1_234 });
    assert.equal(machine.timer("renew"), 1_234);
    machine.tell({ type: "renewed", attempt: 1, lifetimeMs: 10_000 });
    assert.ok((machine.timer("renew") as number) < 10_000);
    assert.equal(machine.state.phase, "open");
  });

  test("a credential without an end is not renewed", () => {
    assert.equal(new Told().open(null).timer("renew"), undefined);
  });

  test("without a credential it ends, or is tried again where that may pass", () => {
    const failed = (retryable: boolean, retryAfterMs?: number) =>
      new Told().tell({ type: "start" }, { type: "credentialFailed", attempt: 1, retryable, retryAfterMs });
    assert.equal(failed(false).state.phase, "denied");
    assert.equal(failed(true).state.phase, "waiting");
    assert.equal(failed(true, 4_321).timer("retry"), 4_321);
  });

  test("what belongs to an earlier attempt is ignored", () => {
    const machine = new Told().open().close(1006).retry();
    const { state } = machine;
    machine.tell(
      { type: "credential", attempt: 1, lifetimeMs: null },
      { type: "credentialFailed", attempt: 1, retryable: false },
      { type: "closed", attempt: 1, code: 4403 },
      { type: "renewed", attempt: 1, lifetimeMs: 1 },
    );
    assert.deepEqual(machine.state, state);
  });
});

describe("heartbeat", () => {
  const beat: Input = { type: "timer", name: "heartbeat" };

  test("a silent socket is asked, and is left if it does not answer", () => {
    const machine = new Told().open().tell(beat);
    assert.equal(machine.did("ping").length, 0, "hello was heard");
    machine.tell(beat);
    assert.equal(machine.did("ping").length, 1);
    assert.equal(machine.timer("pong"), PONG_DEADLINE_MS);
    machine.tell({ type: "timer", name: "pong" });
    assert.equal(machine.state.phase, "waiting");
    assert.deepEqual(machine.did("drop"), [{ type: "drop" }]);
    assert.equal(machine.did("lost").length, 1);
  });

  test("whatever arrives is an answer", () => {
    const machine = new Told().open().tell(beat, beat, { type: "received" });
    assert.deepEqual(machine.effects, [{ type: "clearTimer", name: "pong" }]);
    machine.tell({ type: "timer", name: "pong" });
    assert.equal(machine.state.phase, "open");
  });

  test("a socket on which something arrives is not asked", () => {
    const machine = new Told().open();
    for (let time = 0; time < 5; time += 1) {
      machine.tell({ type: "received" }, beat);
      assert.equal(machine.did("ping").length, 0);
    }
  });

  test("a socket that never says hello is left", () => {
    const machine = new Told().tell({ type: "start" }, { type: "credential", attempt: 1, lifetimeMs: null });
    machine.tell({ type: "timer", name: "connect" });
    assert.equal(machine.state.phase, "waiting");
    assert.equal(machine.did("drop").length, 1);
  });
});

describe("page and device", () => {
  for (const type of ["visible", "online", "offline"] as const) {
    test(`${type}: an open socket is doubted, for a short time`, () => {
      const machine = new Told().open().tell({ type });
      assert.equal(machine.did("ping").length, 1);
      assert.equal(machine.timer("pong"), PROBE_DEADLINE_MS);
      machine.tell({ type: "timer", name: "pong" });
      assert.equal(machine.state.phase, "waiting");
    });
  }

  test("a page that wakes up with answers waiting keeps its socket", () => {
    const machine = new Told().open().tell({ type: "visible" }, { type: "received" }, { type: "timer", name: "pong" });
    assert.equal(machine.state.phase, "open");
  });

  test("a long pause ends when the user looks, or the network comes back", () => {
    for (const type of ["visible", "online"] as const) {
      const machine = new Told().open();
      for (let failure = 0; failure < 8; failure += 1) {
        machine.close(1006).retry().tell({ type: "credential", attempt: machine.state.attempt, lifetimeMs: null });
      }
      machine.close(1006);
      machine.fraction = 1;
      assert.ok((machine.tell({ type }).timer("retry") as number) <= 1_000, type);
    }
  });

  test("a device without a network tries seldom, but tries: it may be wrong", () => {
    const machine = new Told().open().tell({ type: "offline" }, { type: "timer", name: "pong" });
    assert.equal(machine.timer("retry"), OFFLINE_RETRY_MS);
    machine.tell({ type: "online" });
    assert.ok((machine.timer("retry") as number) <= 1_000);
  });

  test("a stop ends everything, and a start begins anew", () => {
    const machine = new Told().open().tell({ type: "stop" });
    assert.equal(machine.did("clearTimer").length, 6);
    assert.deepEqual(machine.effects.filter(({ type }) => type !== "clearTimer").map(({ type }) => type), [
      "drop",
      "lost",
      "stopped",
    ]);
    machine.retry().tell({ type: "online" }, { type: "visible" });
    assert.equal(machine.state.phase, "stopped");
    assert.equal(machine.open().state.phase, "open");
  });
});

test("no sequence of inputs leaves a machine without a way on", () => {
  // Whatever happens, a machine that is not stopped or denied has a timer or a promise that moves it.
  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}`);
  let drawn = seed;
  const random = () => {
    drawn = (drawn * 1_103_515_245 + 12_345) % 2 ** 31;
    return drawn / 2 ** 31;
  };
  for (let run = 0; run < 500; run += 1) {
    let state = INITIAL;
    const timers = new Set<string>();
    for (let time = 0; time < 60; time += 1) {
      const { attempt } = state;
      const inputs: Input[] = [
        { type: "start" },
        { type: "online" },
        { type: "offline" },
        { type: "visible" },
        { type: "received" },
        { type: "credential", attempt, lifetimeMs: LIFETIME_MS },
        { type: "credentialFailed", attempt, retryable: true },
        { type: "hello", heartbeatMs: HEARTBEAT_MS },
        { type: "reconnect", afterMs: 100 },
        { type: "closed", attempt, code: [1006, 1012, 4401, 4429, 4508][Math.floor(random() * 5)] as number },
        { type: "abandon" },
        ...[...timers].map((name): Input => ({ type: "timer", name: name as never })),
      ];
      const input = inputs[Math.floor(random() * inputs.length)] as Input;
      if (input.type === "timer") timers.delete(input.name);
      const next = step(state, input, random);
      state = next.state;
      for (const effect of next.effects) {
        if (effect.type === "setTimer") timers.add(effect.name);
        if (effect.type === "clearTimer") timers.delete(effect.name);
      }
      const expected = { waiting: "retry", credential: "connect", opening: "connect", open: "heartbeat" };
      const needed = expected[state.phase as keyof typeof expected];
      if (needed) assert.ok(timers.has(needed), `${state.phase} without ${needed} after ${input.type}, seed ${seed}`);
      if (state.probing) assert.ok(timers.has("pong"), `a probe without an end after ${input.type}, seed ${seed}`);
    }
  }
});
