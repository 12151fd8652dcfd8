// What `@madang/client/rooms` exports: moderation and invitation links, for the few pages that need them.
import type {
  BannedUserPage,
  Invitation,
  InvitationPage,
  NewInvitation,
  Restriction,
  Room,
} from "./contract/index.js";
import type { CallOptions } from "./rest/http.js";
import type { ListQuery, Rest } from "./rest/rest.js";

const room = (id: string) => `/v1/rooms/${encodeURIComponent(id)}`;
const of = (id: string, user: string, what: "ban" | "mute") =>
  `${room(id)}/members/${encodeURIComponent(user)}/${what}`;
const invitations = (id: string) => `${room(id)}/invitations`;

/** The routes of moderators. Each method answers what the server answers, or throws a `MadangError`. */
export class Rooms {
  constructor(private readonly rest: Rest) {}

  /** Removes the user, who cannot return until the ban ends. */
  ban(id: string, user: string, body: Restriction = {}, options?: CallOptions): Promise<void> {
    return this.rest.http.call("POST", of(id, user, "ban"), { body }, options);
  }

  unban(id: string, user: string, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", of(id, user, "ban"), {}, options);
  }

  listBans(id: string, query: ListQuery = {}, options?: CallOptions): Promise<BannedUserPage> {
    return this.rest.http.call("GET", `${room(id)}/bans`, { query: { ...query } }, options);
  }

  /** Refuses what the member sends, edits and reacts with, until the mute ends. */
  mute(id: string, user: string, body: Restriction = {}, options?: CallOptions): Promise<void> {
    return this.rest.http.call("POST", of(id, user, "mute"), { body }, options);
  }

  unmute(id: string, user: string, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", of(id, user, "mute"), {}, options);
  }

  /** Makes an invitation link. Only this answer has its `code`. */
  makeInvitation(id: string, body: NewInvitation = {}, options?: CallOptions): Promise<Invitation> {
    return this.rest.http.call("POST", invitations(id), { body }, options);
  }

  listInvitations(id: string, options?: CallOptions): Promise<InvitationPage> {
    return this.rest.http.call("GET", invitations(id), {}, options);
  }

  /** Revokes the link with this id or code. */
  revokeInvitation(id: string, invitation: string, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", `${invitations(id)}/${encodeURIComponent(invitation)}`, {}, options);
  }

  /** Joins the room of a link. */
  acceptInvitation(code: string, options?: CallOptions): Promise<Room> {
    return this.rest.http.call("POST", `/v1/invitations/${encodeURIComponent(code)}`, {}, options);
  }
}
