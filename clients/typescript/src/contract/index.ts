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
  ClientReceived,
  ClientSend,
  ClientSubscribe,
  ClientTyping,
  ClientUnsubscribe,
  Event as ContractEvent,
  ServerAck,
  ServerCaughtUp,
  ServerDelivered,
  ServerError,
  ServerEvent,
  ServerHello,
  ServerInbox,
  ServerInboxRead,
  ServerMentionedHere,
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
  ServerSettings,
  ServerStatus,
  ServerSubscribed,
  ServerThreadRead,
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
  | ClientReceived
  | ClientSend
  | ClientSubscribe
  | ClientTyping
  | ClientUnsubscribe;

/** What a server may send. `ok` has the fields of the answer, which depend on the request. */
export type ServerFrame =
  | ServerAck
  | ServerCaughtUp
  | ServerDelivered
  | ServerError
  | ServerEvent
  | ServerHello
  | ServerInbox
  | ServerInboxRead
  | ServerMentionedHere
  | ServerNotice
  | (ServerOk & Partial<Omit<ServerOkHistory & ServerOkPresence & ServerOkRead, keyof ServerOk>>)
  | ServerPong
  | ServerPresence
  | ServerProfile
  | ServerRead
  | ServerReconnect
  | ServerSettings
  | ServerStatus
  | ServerThreadRead
  | ServerSubscribed
  | ServerTyping;

/** An event of a room's log. */
export type RoomEvent = ContractEvent;

/** A notice of the user's inbox. */
export type InboxNotice = ServerNotice;

/** What passes, without a place in a log. */
export type PassingFrame =
  | ServerDelivered
  | ServerInboxRead
  | ServerMentionedHere
  | ServerPresence
  | ServerProfile
  | ServerRead
  | ServerSettings
  | ServerStatus
  | ServerThreadRead
  | ServerTyping;
