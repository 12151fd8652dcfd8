// A user who signed in with a password: access tokens by a refresh token, which all tabs share.
import { type TokenProvider, isOld } from "../connection/tokens.js";
import type { Account, Login, Register, Tokens } from "../contract/index.js";
import { type Environment, systemEnvironment } from "../environment.js";
import { asMadangError, passes } from "../errors.js";
import { withFallback } from "../storage/fallback.js";
import { indexedDbStorage } from "../storage/indexed-db.js";
import type { ClientStorage } from "../storage/storage.js";
import { Http } from "./http.js";
import { Rest } from "./rest.js";

/** What is kept of a session. Ages are by the wall clock, since nothing else goes on while no page is open. */
interface Kept {
  readonly refreshToken: string;
  readonly accessToken: string;
  readonly receivedMs: number;
  readonly lifetimeMs: number;
  readonly user: Account;
}

const KEY = "session";
/** The server answers a repeat within 30 s as the first time, so a lost answer is asked for again well within that. */
const REFRESH_ATTEMPTS = 3;
const REFRESH_DEADLINE_MS = 8_000;

/** A sign-in of this browser. Its `tokens` is the token provider of a client. */
export class UserSession {
  #refreshing: Promise<Kept | null> | null = null;

  constructor(
    private readonly rest: Rest,
    private readonly storage: ClientStorage,
    private readonly environment: Environment,
    /** Names what is shared with other tabs. */
    private readonly name: string,
  ) {}

  /** The user who is signed in here, also after a reload; null if nobody is. */
  async user(): Promise<Account | null> {
    return (await this.#kept())?.user ?? null;
  }

  async register(body: Register): Promise<Account> {
    return this.#signedIn(await this.rest.register(body));
  }

  async login(body: Login): Promise<Account> {
    return this.#signedIn(await this.rest.login(body));
  }

  /** Ends the session here and at the server. Without a network it ends here, and the error says so. */
  async logout(): Promise<void> {
    const kept = await this.#kept();
    await this.#keep(null);
    if (kept) await this.rest.logout(kept.refreshToken);
  }

  /** The token provider. */
  readonly tokens: TokenProvider = async ({ replace }) => {
    const kept = await this.#kept();
    if (!kept) return null;
    const good = !isOld(this.#remainingMs(kept), kept.lifetimeMs) && kept.accessToken !== replace;
    const current = good ? kept : await this.#refresh(kept);
    return current && { token: current.accessToken, expiresInMs: this.#remainingMs(current) };
  };

  /** A clock that was set back, or forward, makes a token look as if it had expired. */
  #remainingMs({ receivedMs, lifetimeMs }: Kept): number {
    const age = this.environment.wallMs() - receivedMs;
    return age < 0 ? 0 : Math.max(0, lifetimeMs - age);
  }

  async #signedIn(tokens: Tokens): Promise<Account> {
    await this.#keep(this.#keepable(tokens));
    return tokens.user;
  }

  /** One refresh at a time in this page, and where there are Web Locks one among all tabs. */
  async #refresh(old: Kept): Promise<Kept | null> {
    this.#refreshing ??= this.#locked(() => this.#refreshOnce(old)).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  #locked<Result>(act: () => Promise<Result>): Promise<Result> {
    const { locks } = this.environment;
    return locks ? locks.request(`${this.name}:refresh`, {}, act) : act();
  }

  async #refreshOnce(old: Kept): Promise<Kept | null> {
    const kept = await this.#kept();
    // While this tab waited, another one has refreshed, or signed out.
    if (!kept || kept.refreshToken !== old.refreshToken) return kept;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#replace(kept, this.#keepable(await this.rest.refresh(kept.refreshToken)));
      } catch (thrown) {
        const error = asMadangError(thrown);
        if (error.code === "unauthenticated") return this.#replace(kept, null);
        const lost = passes(error.code) && error.retryAfterMs === undefined;
        if (!lost || attempt === REFRESH_ATTEMPTS) throw error;
      }
    }
  }

  #keepable({ access_token, refresh_token, expires_in, user }: Tokens): Kept {
    return {
      refreshToken: refresh_token,
      accessToken: access_token,
      receivedMs: this.environment.wallMs(),
      lifetimeMs: expires_in * 1_000,
      user,
    };
  }

  async #kept(): Promise<Kept | null> {
    return ((await this.storage.get("tokens", `${this.name}:${KEY}`)) as Kept | undefined) ?? null;
  }

  #keep(kept: Kept | null): Promise<void> {
    return this.#update(() => kept);
  }

  /** Keeps it where the old one still stands: nobody has signed out or in meanwhile. Returns what stands there then. */
  async #replace(old: Kept, next: Kept | null): Promise<Kept | null> {
    let now: Kept | null = null;
    await this.#update((kept) => (now = kept?.refreshToken === old.refreshToken ? next : kept));
    return now;
  }

  #update(change: (kept: Kept | null) => Kept | null): Promise<void> {
    const changed = (kept: unknown) => change((kept as Kept | undefined) ?? null) ?? undefined;
    return this.storage.update("tokens", `${this.name}:${KEY}`, changed);
  }
}

export interface SessionOptions {
  /** The server, with its base path if it has one. */
  readonly url: string;
  /** Where the tokens are kept. By default in IndexedDB, so that a reload and other tabs have them. */
  readonly storage?: ClientStorage;
  readonly environment?: Partial<Environment>;
}

/** The sign-in of this browser at a server. */
export function openSession(options: SessionOptions): UserSession {
  const environment = { ...systemEnvironment(), ...options.environment };
  const url = options.url.replace(/\/+$/, "");
  const nobody = { get: async () => null, getInsteadOf: async () => null };
  const rest = new Rest(new Http(url, nobody, environment, REFRESH_DEADLINE_MS));
  const storage = withFallback(options.storage ?? indexedDbStorage());
  return new UserSession(rest, storage, environment, `madang:${url}`);
}
