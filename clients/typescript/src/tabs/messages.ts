// What tabs say to each other.
import type { ConnectionStatus } from "../connection/status.js";
import type { ClientFrame, ServerFrame, ServerHello } from "../contract/index.js";
import { MadangError } from "../errors.js";

/** An error does not cross to another tab as what it is. */
export type PlainStatus =
  | Exclude<ConnectionStatus, { phase: "denied" }>
  | { readonly phase: "denied"; readonly code: MadangError["code"]; readonly message: string };

/** A `connection` names one connection of one leader: what belongs to an earlier one is ignored. */
export type TabMessage = { readonly from: string } & (
  // Of a follower.
  | { readonly type: "join" | "start" }
  | { readonly type: "request"; readonly connection: string; readonly frame: ClientFrame }
  | { readonly type: "abandon"; readonly connection: string }
  | { readonly type: "wake"; readonly reason: "online" | "offline" | "visible" }
  // Of the leader; `to` is absent where it is for all.
  | { readonly type: "leads"; readonly connection: string | null }
  | { readonly type: "opened"; readonly connection: string; readonly hello: ServerHello; readonly to?: string }
  | { readonly type: "closed"; readonly connection: string }
  | { readonly type: "frame"; readonly connection: string; readonly frame: ServerFrame; readonly to?: string }
  | { readonly type: "status"; readonly status: PlainStatus }
);

export function plain(status: ConnectionStatus): PlainStatus {
  if (status.phase !== "denied") return status;
  const { code, message } = status.error;
  return { phase: "denied", code, message };
}

export function unplain(status: PlainStatus): ConnectionStatus {
  if (status.phase !== "denied") return status;
  return { phase: "denied", error: new MadangError(status.code, status.message) };
}
