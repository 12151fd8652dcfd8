// An entry of the audit log, in words.
import type { AuditEntry } from "@madang/client";
import type { Texts } from "../i18n";

/** What was done, in a line; null where this version has no words for it. */
export function auditText(texts: Texts, { action, actor, user, role }: AuditEntry): string | null {
  const by = actor.name;
  const whom = user?.name ?? texts.somebody;
  switch (action) {
    case "member_added":
      return texts.eventAdded(whom, by);
    case "member_removed":
      return texts.eventRemoved(whom, by);
    case "banned":
      return texts.eventBanned(whom, by);
    case "unbanned":
      return texts.eventUnbanned(whom, by);
    case "muted":
      return texts.eventMuted(whom, by);
    case "unmuted":
      return texts.eventUnmuted(whom, by);
    case "role_given": {
      const roles = { guest: texts.asGuest, member: texts.asMember, moderator: texts.asModerator, owner: texts.asOwner };
      return texts.auditRole(whom, role === null ? texts.asMember : roles[role], by);
    }
    case "room_changed":
      return texts.auditRoom(by);
    case "message_deleted":
      return texts.auditDeleted(whom, by);
    case "message_edited":
      return texts.auditEdited(whom, by);
    case "invitation_made":
      return texts.auditLinkMade(by);
    case "invitation_revoked":
      return texts.auditLinkRevoked(by);
    case "report_settled":
      return texts.auditReport(by);
    case "words_set":
      return texts.auditWords(by);
    default:
      return null;
  }
}
