// Hands the items of one log to the application, one after another, and keeps the place afterwards.
import { backoffMs } from "../connection/backoff.js";
import type { Environment, Timer } from "../environment.js";
import type { Cursor } from "./topic.js";

/** What the application does with an item. The next one waits for the promise. */
export type Handler<Item> = (item: Item) => void | Promise<void>;

/** Each step waits for the one before; what is not an item stands in the same line. */
type Step<Item> = { readonly item: Item; readonly cursor: Cursor } | { readonly call: () => void | Promise<void> };

export class Delivery<Item> {
  readonly #line: Step<Item>[] = [];
  #running = false;
  #closed = false;
  #pause: { timer: Timer; go: () => void } | null = null;

  constructor(
    private readonly handler: Handler<Item>,
    /** The application has taken the item of this place. */
    private readonly delivered: (cursor: Cursor) => void,
    private readonly failed: (error: unknown) => void,
    private readonly environment: Environment,
  ) {}

  push(item: Item, cursor: Cursor): void {
    this.#add({ item, cursor });
  }

  /** Calls back when everything before is delivered; what is after waits for its promise. */
  then(call: () => void | Promise<void>): void {
    this.#add({ call });
  }

  /** Nothing is handed out any more, and nothing that the application has not taken counts as taken. */
  close(): void {
    this.#closed = true;
    this.#line.length = 0;
    if (this.#pause) this.environment.clearTimer(this.#pause.timer);
    this.#pause?.go();
  }

  #add(step: Step<Item>): void {
    if (this.#closed) return;
    this.#line.push(step);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let step = this.#line[0]; step && !this.#closed; step = this.#line[0]) {
      if ("call" in step) await this.#call(step.call);
      else if (!(await this.#deliver(step.item, step.cursor))) break;
      this.#line.shift();
    }
    this.#running = false;
  }

  /** What fails is told, and not repeated: the items behind it do not depend on it. */
  async #call(call: () => void | Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A handler that fails gets the same item again: an item that is not taken is not passed over. */
  async #deliver(item: Item, cursor: Cursor): Promise<boolean> {
    for (let failures = 0; !this.#closed; failures += 1) {
      try {
        await this.handler(item);
        this.delivered(cursor);
        return true;
      } catch (error) {
        this.failed(error);
        // Not at once, also for the first time.
        await this.#sleep(backoffMs(failures + 1, (1 + this.environment.random()) / 2));
      }
    }
    return false;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((go) => {
      this.#pause = { timer: this.environment.setTimer(go, ms), go };
    });
  }
}
