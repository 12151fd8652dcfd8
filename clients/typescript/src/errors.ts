// The one error of this package.
import type { Code, FieldProblem, RoomError, ServerError } from "./contract/index.js";

/** What a refusal says beside its code. */
export interface MadangErrorDetails {
  status?: number | undefined;
  limit?: string | undefined;
  retryAfterMs?: number | undefined;
  errors?: readonly FieldProblem[] | undefined;
  cause?: unknown;
}

/** A request was refused or failed. */
export class MadangError extends Error {
  override readonly name = "MadangError";
  /** The code of the contract. A server that could not be reached is `unavailable`. */
  readonly code: Code;
  /** The HTTP status, where an answer by HTTP came. */
  readonly status: number | undefined;
  /** The limit that was reached, for `rate_limited`. */
  readonly limit: string | undefined;
  /** After how long the same request may succeed. */
  readonly retryAfterMs: number | undefined;
  /** What is wrong with which field of the body, by JSON pointer. */
  readonly errors: readonly FieldProblem[];

  constructor(code: Code, message: string, details: MadangErrorDetails = {}) {
    super(message, details);
    this.code = code;
    this.status = details.status;
    this.limit = details.limit;
    this.retryAfterMs = details.retryAfterMs;
    this.errors = details.errors ?? [];
  }
}

/** The error of an `error` frame, or of a room that could not be opened. */
export function errorOfFrame({ code, message, limit, retry_after_ms }: ServerError | RoomError): MadangError {
  return new MadangError(code, message, { limit, retryAfterMs: retry_after_ms });
}

/** What was thrown, as an error of this package. */
export function asMadangError(thrown: unknown): MadangError {
  if (thrown instanceof MadangError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MadangError("unavailable", message, { cause: thrown });
}

/** Whether the same request may succeed later. */
export function passes(code: Code): boolean {
  return code === "rate_limited" || code === "unavailable" || code === "deadline_exceeded";
}
