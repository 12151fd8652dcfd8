// What `@madang/client` exports.
export {
  Client,
  type ClientEvents,
  type ClientOptions,
  type SendOptions,
  type Sending,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionHandlers,
} from "./client.js";
export type { Handshake } from "./connection/credential.js";
export type { ConnectionStatus } from "./connection/status.js";
export type { AccessToken, TokenProvider } from "./connection/tokens.js";
export type * from "./contract/index.js";
export { CLOSE_CODES } from "./contract/codes.js";
export type { Environment, SocketConstructor } from "./environment.js";
export { MadangError, type MadangErrorDetails } from "./errors.js";
export type { Observable } from "./observable.js";
export type { CallOptions } from "./rest/http.js";
export { type ListQuery, type LogQuery, Rest, type SearchQuery, type WriteOptions } from "./rest/rest.js";
export { type SessionOptions, UserSession, openSession } from "./rest/user-session.js";
export { indexedDbStorage } from "./storage/indexed-db.js";
export { type ClientStorage, type StoreName, memoryStorage } from "./storage/storage.js";
export type { Acknowledgement } from "./sync/effects.js";
export type { OutgoingMessage } from "./sync/outbox.js";
export type { Cursor, Standing } from "./sync/topic.js";
