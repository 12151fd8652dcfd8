// Requests that wait for an answer, each with its deadline.
import type { ClientFrame, ServerFrame } from "../contract/index.js";
import { MadangError } from "../errors.js";

/** How long nothing may arrive, while an answer is awaited, before the connection counts as dead. */
export const ANSWER_DEADLINE_MS = 10_000;
/**
 * How long an answer may take while other things arrive: after a long absence, what was missed stands before it. 25 MB,
 * of 500 rooms, take a line of 4 Mbit/s 50 s.
 */
export const ANSWER_MAX_MS = 60_000;
/** How long a question of the application may take, reconnecting included. */
export const QUESTION_DEADLINE_MS = 20_000;
/** Questions of the application at once. */
export const QUESTIONS_MAX = 100;

/** What a request was for. */
export type Purpose =
  | { readonly type: "rooms"; readonly rooms: readonly string[] }
  | { readonly type: "page"; readonly topic: object; readonly room: string }
  | { readonly type: "send" }
  | { readonly type: "question"; readonly question: Question }
  | { readonly type: "none" };

/** A question of the application. All of them may be asked twice, so a lost connection does not end them. */
export interface Question {
  readonly frame: ClientFrame;
  readonly deadlineMs: number;
  readonly resolve: (answer: ServerFrame) => void;
  readonly reject: (error: MadangError) => void;
  written: boolean;
}

/** What was written on the present connection. */
export class Requests {
  readonly #waiting = new Map<string, { purpose: Purpose; askedMs: number }>();
  #last = 0;
  #heardMs = 0;

  ask(purpose: Purpose, nowMs: number): string {
    this.#last += 1;
    const id = String(this.#last);
    this.#waiting.set(id, { purpose, askedMs: nowMs });
    return id;
  }

  /** Something has arrived: the connection lives. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  answered(id = ""): Purpose | null {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting?.purpose ?? null;
  }

  /** The earliest deadline. Ids are given in order: what was asked first has it. */
  nextMs(): number {
    for (const { askedMs } of this.#waiting.values()) {
      return Math.min(Math.max(askedMs, this.#heardMs) + ANSWER_DEADLINE_MS, askedMs + ANSWER_MAX_MS);
    }
    return Infinity;
  }

  disconnected(): void {
    this.#waiting.clear();
  }
}

/** What the application has asked and no answer has ended. */
export class Questions {
  readonly #open = new Set<Question>();

  ask(frame: ClientFrame, nowMs: number): Promise<ServerFrame> {
    if (this.#open.size >= QUESTIONS_MAX) {
      const message = "too many requests wait";
      return Promise.reject(new MadangError("rate_limited", message, { limit: "client_requests" }));
    }
    return new Promise((resolve, reject) => {
      this.#open.add({ frame, deadlineMs: nowMs + QUESTION_DEADLINE_MS, resolve, reject, written: false });
    });
  }

  unwritten(): Question[] {
    return [...this.#open].filter(({ written }) => !written);
  }

  end(question: Question): void {
    this.#open.delete(question);
  }

  disconnected(): void {
    for (const question of this.#open) question.written = false;
  }

  expire(nowMs: number): void {
    for (const question of this.#open) {
      if (question.deadlineMs > nowMs) continue;
      this.#open.delete(question);
      question.reject(new MadangError("deadline_exceeded", "no answer came in time"));
    }
  }

  endAll(error: MadangError): void {
    for (const question of this.#open) question.reject(error);
    this.#open.clear();
  }

  nextMs(): number {
    for (const { deadlineMs } of this.#open) return deadlineMs;
    return Infinity;
  }
}
