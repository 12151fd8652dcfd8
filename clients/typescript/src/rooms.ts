// What `@madang/client/rooms` exports: moderation, reports and invitation links, for the few pages that need them.
import type {
  AuditEntryPage,
  BannedUserPage,
  Invitation,
  InvitationPage,
  NewInvitation,
  NewReport,
  Report,
  ReportPage,
  ReportStatus,
  Restriction,
  Room,
  WordList,
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
    return this.rest.http.call("GET", `${room(id)}/bans`, { query }, options);
  }

  /** Refuses what the member sends, edits and reacts with, until the mute ends. */
  mute(id: string, user: string, body: Restriction = {}, options?: CallOptions): Promise<void> {
    return this.rest.http.call("POST", of(id, user, "mute"), { body }, options);
  }

  unmute(id: string, user: string, options?: CallOptions): Promise<void> {
    return this.rest.http.call("DELETE", of(id, user, "mute"), {}, options);
  }

  /** Reports another's message to the moderators of the room. */
  reportMessage(id: string, message: string, body: NewReport = {}, options?: CallOptions): Promise<Report> {
    return this.rest.http.call("POST", `${room(id)}/messages/${encodeURIComponent(message)}/report`, { body }, options);
  }

  /** Lists the reports of the rooms that the user moderates, or of one of them. */
  listReports(
    query: ListQuery & { room?: string; status?: ReportStatus } = {},
    options?: CallOptions,
  ): Promise<ReportPage> {
    return this.rest.http.call("GET", "/v1/reports", { query }, options);
  }

  /** Settles a report, or opens it again. */
  settleReport(report: string, status: ReportStatus, options?: CallOptions): Promise<Report> {
    return this.rest.http.call("PATCH", `/v1/reports/${encodeURIComponent(report)}`, { body: { status } }, options);
  }

  /** Lists what moderators, owners and the site did in the room. */
  listAudit(id: string, query: ListQuery = {}, options?: CallOptions): Promise<AuditEntryPage> {
    return this.rest.http.call("GET", `${room(id)}/audit`, { query }, options);
  }

  /** The words that are not accepted in the room. */
  getWords(id: string, options?: CallOptions): Promise<WordList> {
    return this.rest.http.call("GET", `${room(id)}/words`, {}, options);
  }

  putWords(id: string, body: WordList, options?: CallOptions): Promise<WordList> {
    return this.rest.http.call("PUT", `${room(id)}/words`, { body }, options);
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
