// One call by HTTP: its deadline, its credential and its refusals.
import type { Code, FieldProblem } from "../contract/index.js";
import type { Environment } from "../environment.js";
import { MadangError } from "../errors.js";

/** What a call may have. */
export interface Call {
  /** Strings and numbers; what is undefined is left out. */
  readonly query?: object | undefined;
  readonly body?: unknown;
  readonly key?: string | undefined;
  /** Whether the route is for those who have not signed in. */
  readonly open?: boolean;
  /** Whether the answer is a text, and no JSON. */
  readonly asText?: boolean;
  readonly deadlineMs?: number;
}

/** Of a call by itself. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Where the tokens of calls come from. */
export interface CallTokens {
  get(): Promise<{ token: string } | null>;
  getInsteadOf(refused: string): Promise<{ token: string } | null>;
}

/** What the status says by itself; of others, 502 and up say `unavailable`, and what is below 500 the caller's mistake. */
const STATUS_CODES: Readonly<Record<number, Code>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  408: "deadline_exceeded",
  409: "failed_precondition",
  413: "too_large",
  429: "rate_limited",
  504: "deadline_exceeded",
};

export class Http {
  constructor(
    /** The server, with its base path. */
    readonly url: string,
    readonly tokens: CallTokens,
    readonly environment: Environment,
    private readonly deadlineMs: number,
  ) {}

  /** Calls, and calls once more with another token if the first one was refused. */
  async call<Answer>(method: string, path: string, call: Call = {}, options: CallOptions = {}): Promise<Answer> {
    const held = call.open ? null : await this.tokens.get();
    if (!call.open && !held) throw new MadangError("unauthenticated", "nobody is signed in");
    try {
      return await this.#once<Answer>(method, path, call, options, held?.token);
    } catch (error) {
      if (!held || !(error instanceof MadangError) || error.code !== "unauthenticated") throw error;
      const other = await this.tokens.getInsteadOf(held.token);
      if (!other || other.token === held.token) throw error;
      return this.#once<Answer>(method, path, call, options, other.token);
    }
  }

  async #once<Answer>(
    method: string,
    path: string,
    { query = {}, body, key, asText, deadlineMs = this.deadlineMs }: Call,
    { signal }: CallOptions,
    token: string | undefined,
  ): Promise<Answer> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      // Not `set`, which older versions of React Native lack.
      if (value !== undefined) parameters.append(name, String(value));
    }
    const headers: Record<string, string> = {};
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    if (key !== undefined) headers["Idempotency-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const search = String(parameters);
    const address = `${this.url}${path}${search && `?${search}`}`;

    const deadline = new AbortController();
    const timer = this.environment.setTimer(() => deadline.abort(), deadlineMs);
    const abort = () => deadline.abort();
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      const response = await this.environment.fetch(address, {
        method,
        headers,
        signal: deadline.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw refusal(response, text);
      return (asText ? text : text === "" ? undefined : JSON.parse(text)) as Answer;
    } catch (thrown) {
      if (thrown instanceof MadangError) throw thrown;
      if (signal?.aborted) throw signal.reason;
      if (deadline.signal.aborted) throw new MadangError("deadline_exceeded", "no answer came in time");
      throw new MadangError("unavailable", "the server cannot be reached", { cause: thrown });
    } finally {
      this.environment.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

interface Problem {
  code?: Code;
  title?: string;
  detail?: string;
  limit?: string;
  retry_after_ms?: number;
  errors?: FieldProblem[];
}

/** The refusal of an answer. What stands between client and server may answer by other texts than a problem. */
export function refusal(response: Response, text: string): MadangError {
  let problem: Problem = {};
  try {
    problem = (JSON.parse(text) as Problem | null) ?? {};
  } catch {
    // Not of the server.
  }
  const { status } = response;
  // It may be absent, or a date.
  const afterMs = Number(response.headers.get("Retry-After")) * 1_000;
  return new MadangError(
    problem.code ?? STATUS_CODES[status] ?? (status >= 502 ? "unavailable" : status >= 500 ? "internal" : "invalid_argument"),
    problem.detail ?? problem.title ?? `the server answered with ${status}`,
    {
      status,
      limit: problem.limit,
      retryAfterMs: problem.retry_after_ms ?? (afterMs || undefined),
      errors: problem.errors,
    },
  );
}
