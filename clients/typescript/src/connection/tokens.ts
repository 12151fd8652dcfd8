// Access tokens of one page: asked for once at a time, and kept for as long as they are good.
import type { Environment } from "../environment.js";

/** An access token, as an application gives it. */
export interface AccessToken {
  readonly token: string;
  /** How long it is good from now. Without it the length of its life is read from the token itself. */
  readonly expiresInMs?: number;
}

/**
 * Gives the access token to use. With `replace` it gives another one than that: it was refused, or is about to expire.
 * Null says that nobody is signed in.
 */
export type TokenProvider = (request: {
  readonly replace?: string;
}) => Promise<AccessToken | string | null> | AccessToken | string | null;

/** A token with the moment at which it came, by a clock that nobody sets. */
export interface HeldToken {
  readonly token: string;
  readonly receivedMs: number;
  readonly lifetimeMs: number | null;
}

/** A token that is good for less than this, or than a tenth of its life, is replaced rather than used. */
const LEAST_REMAINING_MS = 5_000;

/** Whether a token with so much left of its life is better replaced. */
export function isOld(remainingMs: number, lifetimeMs: number): boolean {
  return remainingMs < Math.min(LEAST_REMAINING_MS, lifetimeMs / 10);
}

export class AccessTokens {
  #held: HeldToken | null = null;
  #asking: Promise<HeldToken | null> | null = null;

  constructor(
    private readonly provider: TokenProvider,
    private readonly environment: Environment,
  ) {}

  /** The token to use; null where nobody is signed in. With `replace` another one than the last. */
  async get(replace = false): Promise<HeldToken | null> {
    if (this.#asking) return this.#asking;
    const held = this.#held;
    const isGood = held && !replace && !isOld(this.remainingMs(held) ?? Infinity, held.lifetimeMs ?? 0);
    if (isGood) return held;
    this.#asking = this.#ask(held?.token).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** After a refusal of this token: another one, which may have come meanwhile. */
  async getInsteadOf(refused: string): Promise<HeldToken | null> {
    const held = await this.get();
    return held && held.token === refused ? this.get(true) : held;
  }

  remainingMs({ receivedMs, lifetimeMs }: HeldToken): number | null {
    return lifetimeMs === null ? null : Math.max(0, receivedMs + lifetimeMs - this.environment.monotonicMs());
  }

  forget(): void {
    this.#held = null;
  }

  async #ask(replace: string | undefined): Promise<HeldToken | null> {
    const given = await this.provider(replace === undefined ? {} : { replace });
    if (given === null) {
      this.#held = null;
      return null;
    }
    const { token, expiresInMs } = typeof given === "string" ? { token: given } : given;
    const lifetimeMs = expiresInMs ?? lifetimeOf(token);
    this.#held = { token, receivedMs: this.environment.monotonicMs(), lifetimeMs };
    return this.#held;
  }
}

/**
 * How long a JSON Web Token lives, by the difference of its own times. The machine's clock, which may be wrong by
 * hours, is not asked. Null for a token of another form.
 */
export function lifetimeOf(token: string): number | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { iat, exp } = JSON.parse(atob(payload)) as { iat?: unknown; exp?: unknown };
    return typeof iat === "number" && typeof exp === "number" && exp > iat ? (exp - iat) * 1_000 : null;
  } catch {
    return null;
  }
}
