// How the connection stands, as the application sees it.
import type { MadangError } from "../errors.js";
import type { User } from "../contract/index.js";

/** How the connection stands. */
export type ConnectionStatus =
  | { readonly phase: "stopped" }
  | { readonly phase: "connecting" }
  /** It was lost or could not be made; the next attempt follows by itself. */
  | { readonly phase: "waiting"; readonly retryInMs: number }
  | { readonly phase: "open"; readonly user: User; readonly session: string }
  /** It is not tried again by itself: `unauthenticated` needs a sign-in, anything else another version. */
  | { readonly phase: "denied"; readonly error: MadangError };
