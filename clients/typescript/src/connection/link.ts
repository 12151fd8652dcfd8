// What a session needs of a connection. A socket of its own is one, and the socket that all tabs share is another.
import type { ClientFrame, ServerFrame, ServerHello } from "../contract/index.js";
import type { ConnectionStatus } from "./status.js";

/** Whom a link tells. */
export interface LinkListener {
  /** A connection is there. What was asked on an earlier one gets no answer any more. */
  opened(hello: ServerHello): void;
  frame(frame: ServerFrame): void;
  /** The connection is lost. The link makes another one by itself. */
  closed(): void;
  status(status: ConnectionStatus): void;
}

/** A connection that is made again by itself. */
export interface Link {
  start(): void;
  stop(): void;
  /** Sends on the present connection; without one the frame is lost. */
  send(frame: ClientFrame): void;
  /** The present connection is of no more use: make another one. */
  abandon(): void;
  /** Something happened to the page or to the device. */
  wake(reason: "online" | "offline" | "visible"): void;
}
