// The REST routes of a browser's user, one method each.
import type {
  Account,
  AuthSessionPage,
  BlockedUserPage,
  InboxPage,
  JwkSet,
  Login,
  Member,
  MemberPage,
  MessagesPage,
  NewRoom,
  Person,
  ProfileChanges,
  ReadMark,
  Register,
  RevisionPage,
  Role,
  Room,
  RoomChanges,
  RoomMessage,
  RoomMessagePage,
  RoomPage,
  SearchPage,
  SendMessage,
  SentMessage,
  Ticket,
  Tokens,
  UserSettings,
  UserSettingsChanges,
} from "../contract/index.js";
import type { CallOptions, Http } from "./http.js";

/** A page of a list that goes on by a cursor. */
export interface ListQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/** A page of a log: what stands before a place, newest first, or after it, oldest first. */
export interface LogQuery {
  readonly limit?: number;
  readonly before?: number;
  readonly after?: number;
}

/** What to search for: all that a message must say, and where. Times are RFC 3339. */
export interface SearchQuery extends ListQuery {
  readonly q: string;
  readonly room?: string;
  readonly from?: string;
  readonly before?: string;
  readonly after?: string;
}

/** What may be said of a write beside its body. */
export interface WriteOptions extends CallOptions {
  /** Makes a repeated request the same request. */
  readonly idempotencyKey?: string;
}

/** A path: what is put into it is encoded. */
const path = (texts: TemplateStringsArray, ...parts: string[]) => String.raw(texts, ...parts.map(encodeURIComponent));

/** Each method answers what the server answers, or throws a `MadangError`. Rooms are named by id, slug or `ext:`. */
export class Rest {
  constructor(readonly http: Http) {}

  // Accounts and sessions.

  register(body: Register, options?: CallOptions): Promise<Tokens> {
    return this.http.call("POST", "/v1/auth/register", { body, open: true }, options);
  }

  login(body: Login, options?: CallOptions): Promise<Tokens> {
    return this.http.call("POST", "/v1/auth/login", { body, open: true }, options);
  }

  refresh(refreshToken: string, options?: CallOptions): Promise<Tokens> {
    return this.http.call("POST", "/v1/auth/refresh", { body: { refresh_token: refreshToken }, open: true }, options);
  }

  logout(refreshToken: string, options?: CallOptions): Promise<void> {
    return this.http.call("POST", "/v1/auth/logout", { body: { refresh_token: refreshToken }, open: true }, options);
  }

  createTicket(options?: CallOptions): Promise<Ticket> {
    return this.http.call("POST", "/v1/auth/ws-ticket", {}, options);
  }

  listSessions(options?: CallOptions): Promise<AuthSessionPage> {
    return this.http.call("GET", "/v1/auth/sessions", {}, options);
  }

  revokeSession(session: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/auth/sessions/${session}`, {}, options);
  }

  keys(options?: CallOptions): Promise<JwkSet> {
    return this.http.call("GET", "/.well-known/jwks.json", { open: true }, options);
  }

  // Users.

  getMe(options?: CallOptions): Promise<Person> {
    return this.http.call("GET", "/v1/users/me", {}, options);
  }

  updateMe(body: ProfileChanges, options?: CallOptions): Promise<Account> {
    return this.http.call("PATCH", "/v1/users/me", { body }, options);
  }

  getSettings(options?: CallOptions): Promise<UserSettings> {
    return this.http.call("GET", "/v1/users/me/settings", {}, options);
  }

  putSettings(body: UserSettingsChanges, options?: CallOptions): Promise<UserSettings> {
    return this.http.call("PUT", "/v1/users/me/settings", { body }, options);
  }

  getUser(user: string, options?: CallOptions): Promise<Person> {
    return this.http.call("GET", path`/v1/users/${user}`, {}, options);
  }

  listBlocked(query: ListQuery = {}, options?: CallOptions): Promise<BlockedUserPage> {
    return this.http.call("GET", "/v1/users/me/blocked", { query }, options);
  }

  blockUser(user: string, options?: CallOptions): Promise<void> {
    return this.http.call("PUT", path`/v1/users/me/blocked/${user}`, {}, options);
  }

  unblockUser(user: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/users/me/blocked/${user}`, {}, options);
  }

  // Rooms and members.

  listRooms(query: ListQuery & { readonly scope?: "mine" | "public" } = {}, options?: CallOptions): Promise<RoomPage> {
    return this.http.call("GET", "/v1/rooms", { query }, options);
  }

  createRoom(body: NewRoom, { idempotencyKey, ...options }: WriteOptions = {}): Promise<Room> {
    return this.http.call("POST", "/v1/rooms", { body, key: idempotencyKey }, options);
  }

  getRoom(id: string, options?: CallOptions): Promise<Room> {
    return this.http.call("GET", path`/v1/rooms/${id}`, {}, options);
  }

  updateRoom(id: string, body: RoomChanges, options?: CallOptions): Promise<Room> {
    return this.http.call("PATCH", path`/v1/rooms/${id}`, { body }, options);
  }

  deleteRoom(id: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/rooms/${id}`, {}, options);
  }

  joinRoom(id: string, options?: CallOptions): Promise<Room> {
    return this.http.call("POST", path`/v1/rooms/${id}/join`, {}, options);
  }

  leaveRoom(id: string, options?: CallOptions): Promise<void> {
    return this.http.call("POST", path`/v1/rooms/${id}/leave`, {}, options);
  }

  listMembers(id: string, query: ListQuery = {}, options?: CallOptions): Promise<MemberPage> {
    return this.http.call("GET", path`/v1/rooms/${id}/members`, { query }, options);
  }

  /** The answer has `invited: true` if the user is only invited. */
  putMember(id: string, user: string, role?: Role, options?: CallOptions): Promise<Member> {
    return this.http.call("PUT", path`/v1/rooms/${id}/members/${user}`, { body: role === undefined ? {} : { role } }, options);
  }

  removeMember(id: string, user: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/rooms/${id}/members/${user}`, {}, options);
  }

  // Messages.

  listMessages(id: string, query: LogQuery = {}, options?: CallOptions): Promise<MessagesPage> {
    return this.http.call("GET", path`/v1/rooms/${id}/messages`, { query }, options);
  }

  /** Sends once, without the queue of the client. A repeat with the same key is the same message. */
  sendMessage(
    id: string,
    body: SendMessage,
    { idempotencyKey, ...options }: WriteOptions = {},
  ): Promise<SentMessage> {
    return this.http.call("POST", path`/v1/rooms/${id}/messages`, { body, key: idempotencyKey }, options);
  }

  editMessage(id: string, message: string, text: string, options?: CallOptions): Promise<RoomMessage> {
    return this.http.call("PATCH", path`/v1/rooms/${id}/messages/${message}`, { body: { text } }, options);
  }

  deleteMessage(id: string, message: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/rooms/${id}/messages/${message}`, {}, options);
  }

  /** The former texts, for moderators. */
  listRevisions(id: string, message: string, query: ListQuery = {}, options?: CallOptions): Promise<RevisionPage> {
    return this.http.call("GET", path`/v1/rooms/${id}/messages/${message}/revisions`, { query }, options);
  }

  addReaction(id: string, message: string, emoji: string, options?: CallOptions): Promise<void> {
    return this.http.call("PUT", path`/v1/rooms/${id}/messages/${message}/reactions/${emoji}`, {}, options);
  }

  removeReaction(id: string, message: string, emoji: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/rooms/${id}/messages/${message}/reactions/${emoji}`, {}, options);
  }

  listPins(id: string, query: ListQuery = {}, options?: CallOptions): Promise<RoomMessagePage> {
    return this.http.call("GET", path`/v1/rooms/${id}/pins`, { query }, options);
  }

  pinMessage(id: string, message: string, options?: CallOptions): Promise<void> {
    return this.http.call("PUT", path`/v1/rooms/${id}/pins/${message}`, {}, options);
  }

  unpinMessage(id: string, message: string, options?: CallOptions): Promise<void> {
    return this.http.call("DELETE", path`/v1/rooms/${id}/pins/${message}`, {}, options);
  }

  markRead(id: string, seq: number, options?: CallOptions): Promise<ReadMark> {
    return this.http.call("PUT", path`/v1/rooms/${id}/read`, { body: { seq } }, options);
  }

  /** The messages of the user's rooms that say something, newest first, with the places that match. */
  search(query: SearchQuery, options?: CallOptions): Promise<SearchPage> {
    return this.http.call("GET", "/v1/search", { query }, options);
  }

  // The inbox.

  listInbox(query: LogQuery = {}, options?: CallOptions): Promise<InboxPage> {
    return this.http.call("GET", "/v1/inbox", { query }, options);
  }

  markInboxRead(seq: number, options?: CallOptions): Promise<ReadMark> {
    return this.http.call("PUT", "/v1/inbox/read", { body: { seq } }, options);
  }
}
