// The names of the contract that this package uses and shows. schemas.ts has all of them.
import type {
  ClientAuth,
  ClientDelete,
  ClientEdit,
  ClientHistory,
  ClientPin,
  ClientPing,
  ClientPresence,
  ClientReact,
  ClientRead,
  ClientSend,
  ClientSubscribe,
  ClientTyping,
  ClientUnsubscribe,
  Event as ContractEvent,
  ServerAck,
  ServerCaughtUp,
  ServerError,
  ServerEvent,
  ServerHello,
  ServerInbox,
  ServerNotice,
  ServerOk,
  ServerOkHistory,
  ServerOkPresence,
  ServerOkRead,
  ServerPong,
  ServerPresence,
  ServerProfile,
  ServerRead,
  ServerReconnect,
  ServerSubscribed,
  ServerTyping,
} from "./schemas.js";

export type * from "./schemas.js";

/** What a client may send. */
export type ClientFrame =
  | ClientAuth
  | ClientDelete
  | ClientEdit
  | ClientHistory
  | ClientPin
  | ClientPing
  | ClientPresence
  | ClientReact
  | ClientRead
  | ClientSend
  | ClientSubscribe
  | ClientTyping
  | ClientUnsubscribe;

/** What a server may send. `ok` has the fields of the answer, which depend on the request. */
export type ServerFrame =
  | ServerAck
  | ServerCaughtUp
  | ServerError
  | ServerEvent
  | ServerHello
  | ServerInbox
  | ServerNotice
  | (ServerOk & Partial<Omit<ServerOkHistory & ServerOkPresence & ServerOkRead, keyof ServerOk>>)
  | ServerPong
  | ServerPresence
  | ServerProfile
  | ServerRead
  | ServerReconnect
  | ServerSubscribed
  | ServerTyping;

/** An event of a room's log. */
export type RoomEvent = ContractEvent;

/** A notice of the user's inbox. */
export type InboxNotice = ServerNotice;

/** What passes, without a place in a log. */
export type PassingFrame = ServerPresence | ServerProfile | ServerRead | ServerTyping;
