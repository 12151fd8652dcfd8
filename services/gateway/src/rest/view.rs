//! What the services answer, as the contract shows it.

use std::borrow::Cow;

use madang_contract::{
    self as frames, EventBody, RoomMessage,
    rest::{self, SentMessage},
};
use madang_domain::{
    MessageId, Profile, RoomDetailChanges, RoomFlagChanges, RoomId, RoomName, Seq, Timestamp, event::Event,
};
use madang_rpc::store::{
    Appended, AuditEntry, BannedUser, BlockedUser, FoundMessage, Invitation, Member, Page, Person, Report,
    Revision, RoomView, ThreadPlace,
};

pub(super) use crate::formats::native::account;
use crate::{commands::RoomUpdate, formats::native};

/// A page of a list.
pub(super) fn page<'a, S, T>(page: &'a Page<S>, show: impl Fn(&'a S) -> T) -> rest::Page<T> {
    rest::Page { items: page.items.iter().map(show).collect(), next_cursor: page.next.clone() }
}

/// A room, with the user's own place in it where the user is a member.
pub(super) fn room(view: &RoomView) -> rest::Room<'_> {
    let RoomView { room, membership, last_message } = view;
    rest::Room {
        id: room.id,
        name: Cow::Borrowed(&room.name),
        unnamed: room.details.unnamed,
        kind: room.kind,
        slug: room.slug.as_deref().map(Cow::Borrowed),
        created_at: room.created_at,
        head: room.head,
        members: room.member_count,
        topic: room.details.topic.as_deref().map(Cow::Borrowed),
        avatar_url: room.details.avatar_url.as_deref().map(Cow::Borrowed),
        flags: native::flags(room.flags),
        role: membership.map(|membership| membership.role),
        read: membership.map(|membership| membership.read),
        unread: membership.map(|membership| membership.unread),
        settings: membership.map(|membership| native::room_settings(membership.settings)),
        last_message: last_message.as_ref().and_then(room_message),
    }
}

/// What is to be changed of a room.
pub(super) fn room_changes(changes: rest::RoomChanges) -> RoomUpdate {
    let rest::RoomChanges {
        name,
        slug,
        topic,
        avatar_url,
        announcement,
        archived,
        slow_mode_s,
        history,
        receipts,
        guests_send,
        members_add,
        members_pin,
        members_mention_all,
        edit_window_s,
    } = changes;
    let flags = RoomFlagChanges {
        announcement,
        archived,
        slow_mode_s,
        history,
        receipts,
        guests_send,
        members_add,
        members_pin,
        members_mention_all,
        edit_window_s,
    };
    let unnamed = name.as_ref().map(Option::is_none);
    let name = name.map(|name| name.unwrap_or_else(RoomName::placeholder));
    RoomUpdate { name, slug, flags, details: RoomDetailChanges { topic, avatar_url, unnamed } }
}

/// A member.
pub(super) fn member(member: &Member) -> rest::Member<'_> {
    rest::Member {
        user: account(&member.user),
        role: member.role,
        joined_at: member.joined_at,
        read: member.read,
        invited: member.invited,
        muted_until: member.muted_until,
        status: None,
        last_seen: None,
    }
}

/// A member, with what the caller sees of the user.
pub(super) fn seen_member<'a>(member: &'a Member, seen: Option<&Person>) -> rest::Member<'a> {
    rest::Member { status: status(seen), last_seen: last_seen(seen), ..self::member(member) }
}

/// A user, with what the caller sees of the user.
pub(super) fn person<'a>(profile: &'a Profile, seen: Option<&Person>) -> frames::Person<'a> {
    frames::Person { account: account(profile), status: status(seen), last_seen: last_seen(seen) }
}

fn status(seen: Option<&Person>) -> Option<frames::Status> {
    seen.and_then(|seen| seen.status.as_ref()).map(native::status)
}

fn last_seen(seen: Option<&Person>) -> Option<Timestamp> {
    seen.and_then(|seen| seen.last_seen)
}

/// A user who is banned from a room.
pub(super) fn banned_user(banned: &BannedUser) -> rest::BannedUser<'_> {
    rest::BannedUser {
        user: account(&banned.user),
        by: banned.by,
        at: banned.at,
        until: banned.until,
        reason: banned.reason.as_deref().map(Cow::Borrowed),
    }
}

/// A message that was reported.
pub(super) fn report(report: &Report) -> rest::Report<'_> {
    rest::Report {
        id: Cow::Borrowed(&report.id),
        room: report.room,
        message: MessageId::new(report.message),
        sender: native::user(&report.sender),
        reporter: report.reporter.as_deref().map(native::user),
        reason: report.reason.as_deref().map(Cow::Borrowed),
        at: report.at,
        status: report.status,
        settled_by: report.settled_by,
        settled_at: report.settled_at,
    }
}

/// What somebody did in a room.
pub(super) fn audit_entry(entry: &AuditEntry) -> rest::AuditEntry<'_> {
    rest::AuditEntry {
        seq: entry.seq,
        at: entry.at,
        action: Cow::Borrowed(&entry.action),
        actor: account(&entry.actor),
        by_site: entry.by_site,
        user: entry.subject.as_deref().map(account),
        message: (entry.message > Seq::START).then(|| MessageId::new(entry.message)),
        role: entry.role,
        until: entry.until,
        reason: entry.reason.as_deref().map(Cow::Borrowed),
    }
}

/// An invitation link, without its code.
pub(super) fn invitation(invitation: &Invitation) -> rest::Invitation<'_> {
    rest::Invitation {
        id: invitation.id.clone(),
        code: None,
        by: native::user(&invitation.by),
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
        uses: invitation.uses,
        used: invitation.used,
    }
}

/// A user whom another has blocked.
pub(super) fn blocked_user(blocked: &BlockedUser) -> rest::BlockedUser<'_> {
    rest::BlockedUser { user: account(&blocked.user), at: blocked.at }
}

/// A message with its place and time; none for another kind of event.
pub(super) fn room_message(event: &Event) -> Option<RoomMessage<'_>> {
    let event = native::event(event)?;
    let EventBody::Message { message } = event.body else { return None };
    Some(RoomMessage { room: event.room, seq: event.seq, at: event.at, message })
}

/// A message that was searched for.
pub(super) fn found_message(found: &FoundMessage) -> Option<rest::FoundMessage<'_>> {
    let ranges = found.ranges.iter().map(|range| rest::TextRange { start: range.start, end: range.end });
    Some(rest::FoundMessage { message: room_message(&found.message)?, ranges: ranges.collect() })
}

/// A former text of a message.
pub(super) fn revision(former: &Revision) -> rest::Revision {
    rest::Revision { revision: former.revision, text: former.text.clone(), at: former.at }
}

/// A user's place in a thread.
pub(super) const fn thread_place(place: ThreadPlace) -> rest::ThreadPlace {
    let ThreadPlace { following, read, unread } = place;
    rest::ThreadPlace { following, read, unread }
}

/// A message that is committed.
pub(super) fn sent(room: RoomId, appended: &Appended) -> SentMessage {
    SentMessage {
        room,
        id: native::message_id(appended.seq),
        seq: appended.seq,
        at: appended.at,
        duplicate: appended.duplicate,
    }
}

#[cfg(test)]
mod tests;
