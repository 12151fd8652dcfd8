// Exponential back-off with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

/** The bound of the first pause. */
const FIRST_MS = 500;
/** The bound of every later pause. */
const MAX_MS = 30_000;
/** 2^20 times the first bound is past the maximum. */
const DOUBLINGS_MAX = 20;

/** The pause after a number of earlier failures in a row; `fraction` is drawn evenly from 0 to 1. */
export function backoffMs(earlierFailures: number, fraction: number): number {
  const bound = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(earlierFailures, DOUBLINGS_MAX));
  return bound * fraction;
}
