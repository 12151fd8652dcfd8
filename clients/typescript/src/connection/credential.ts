// What a socket is opened with.
import { MadangError } from "../errors.js";
import type { AccessTokens } from "./tokens.js";

/** A ticket, or a token for the first frame. */
export interface Credential {
  readonly ticket?: string;
  readonly token?: string;
  /** How long the socket may live with it, from now; null where nobody says. */
  readonly lifetimeMs: number | null;
}

/** Where credentials come from. */
export interface CredentialSource {
  /** For a new socket. `replace` says that the last one was refused. */
  forSocket(replace: boolean): Promise<Credential>;
  /** A token in the place of the present one; null where there are only tickets. */
  forRenewal(): Promise<Credential | null>;
}

/** How a socket shows who opens it. */
export type Handshake = "ticket" | "frame";

/** Credentials of a user who has access tokens. No token stands in an address. */
export function tokenCredentials(
  tokens: AccessTokens,
  handshake: Handshake,
  takeTicket: () => Promise<{ ticket: string }>,
): CredentialSource {
  const current = async (replace: boolean) => {
    const held = await tokens.get(replace);
    if (!held) throw new MadangError("unauthenticated", "nobody is signed in");
    return { token: held.token, lifetimeMs: tokens.remainingMs(held) };
  };
  return {
    async forSocket(replace) {
      const held = await current(replace);
      if (handshake === "frame") return held;
      const { ticket } = await takeTicket();
      // Taking a ticket may have replaced the token.
      return { ticket, lifetimeMs: (await current(false)).lifetimeMs };
    },
    forRenewal: () => current(true),
  };
}

/** Credentials of a site whose backend makes tickets. Such a socket is not renewed: it is opened again. */
export function ticketCredentials(takeTicket: () => Promise<string>): CredentialSource {
  return {
    forSocket: async () => ({ ticket: await takeTicket(), lifetimeMs: null }),
    forRenewal: async () => null,
  };
}
