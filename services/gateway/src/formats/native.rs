//! Encodes events as frames. Only here do the services' types become those of the public contract.

use std::borrow::Cow;

use madang_contract::{self as frames, ServerFrame, WireFrame};
use madang_domain::{
    MessageId, Profile, RoomFlags, RoomId, Seq, TopicId, UserId,
    event::{
        Deleted, Dismissed, Edited, Event, EventBody, Excerpt, Invite, Left, Mention, Message, Pinned,
        Reacted, Reactions, Reply, Restricted, RestrictionNotice, RoomChanged, ThreadState,
    },
};
use madang_rpc::store::{
    InboxMark, Mark, RoomReads, RoomSettings, SetForRoom, Status, ThreadPlace, UserSettings,
};

/// An event in the form of the public contract; `None` for topics other than rooms.
pub(crate) fn event(event: &Event) -> Option<frames::Event<'_>> {
    let by = event.actor.id;
    let body = match &event.body {
        EventBody::Message(said) => {
            frames::EventBody::Message { message: message(event.seq, &event.actor, said) }
        }
        EventBody::Joined(joined) => {
            let (user, role) = (user(event.subject.as_deref()?), joined.role);
            frames::EventBody::Joined { joined: frames::Joined { user, role, by } }
        }
        EventBody::Left(Left {}) => {
            frames::EventBody::Left { left: frames::Left { user: event.subject.as_deref()?.id, by } }
        }
        EventBody::RoleChanged(changed) => {
            let (user, role) = (event.subject.as_deref()?.id, changed.role);
            frames::EventBody::Role { role: frames::RoleChange { user, role, by } }
        }
        EventBody::RoomChanged(RoomChanged { name, slug, flags: set, details, deleted }) => {
            frames::EventBody::Room {
                properties: frames::Properties {
                    name: Cow::Borrowed(name),
                    unnamed: details.unnamed,
                    slug: slug.as_deref().map(Cow::Borrowed),
                    topic: details.topic.as_deref().map(Cow::Borrowed),
                    avatar_url: details.avatar_url.as_deref().map(Cow::Borrowed),
                    flags: flags(*set),
                    deleted: *deleted,
                    by,
                },
            }
        }
        EventBody::Pinned(Pinned { message, on }) => {
            let message = MessageId::new(*message);
            frames::EventBody::Pinned { pinned: frames::Pinned { message, on: *on, by } }
        }
        EventBody::Edited(Edited { message, revision: _, text, mentions, mentions_all }) => {
            frames::EventBody::Edited {
                edited: frames::Edited {
                    mentions_all: *mentions_all,
                    message: MessageId::new(*message),
                    text: text.as_deref().map(Cow::Borrowed),
                    mentions: mentions.clone(),
                    edited_at: event.at,
                },
            }
        }
        EventBody::Deleted(Deleted { message, thread: of }) => {
            let of = of.as_ref().map(|of| thread(Some(of.root), false, &of.state));
            let deleted = frames::Deleted { message: MessageId::new(*message), by, thread: of };
            frames::EventBody::Deleted { deleted }
        }
        EventBody::Reacted(Reacted { message, emoji, on, count }) => frames::EventBody::Reaction {
            reaction: frames::Reaction {
                message: MessageId::new(*message),
                user: by,
                emoji: Cow::Borrowed(emoji),
                on: *on,
                count: *count,
            },
        },
        EventBody::Banned(banned) => {
            frames::EventBody::Banned { banned: restricted(event.subject.as_deref()?.id, *banned, by) }
        }
        EventBody::Muted(muted) => {
            frames::EventBody::Muted { muted: restricted(event.subject.as_deref()?.id, *muted, by) }
        }
        EventBody::Unknown(_) => frames::EventBody::Unknown,
        // A notice has its own frame, for its only user.
        EventBody::Mention(_)
        | EventBody::Invite(_)
        | EventBody::Custom(_)
        | EventBody::BanNotice(_)
        | EventBody::Dismissed(_)
        | EventBody::MuteNotice(_)
        | EventBody::Reply(_) => return None,
    };
    Some(frames::Event { room: event.topic.room()?, seq: event.seq, at: event.at, body })
}

/// An event of an inbox in the form of the public contract; `None` for events of rooms.
pub(crate) fn notice(event: &Event) -> Option<frames::Notice<'_>> {
    let body = match &event.body {
        EventBody::Mention(Mention { room, seq }) => frames::NoticeBody::Mention(frames::Mention {
            room: *room,
            message: Cow::Owned(message_id(*seq)),
            seq: *seq,
            sender: user(&event.actor),
        }),
        EventBody::Invite(Invite { room, name, pending }) => frames::NoticeBody::Invite(frames::Invite {
            room: *room,
            name: Cow::Borrowed(name),
            by: user(&event.actor),
            pending: *pending,
        }),
        EventBody::Custom(custom) => {
            frames::NoticeBody::Custom(frames::CustomData(Cow::Borrowed(custom.json())))
        }
        EventBody::Reply(Reply { room, seq, thread }) => frames::NoticeBody::Reply(frames::Reply {
            room: *room,
            message: Cow::Owned(message_id(*seq)),
            seq: *seq,
            thread: Cow::Owned(message_id(*thread)),
            sender: user(&event.actor),
        }),
        EventBody::BanNotice(ban) => frames::NoticeBody::Ban(restriction(event, ban)),
        EventBody::MuteNotice(mute) => frames::NoticeBody::Mute(restriction(event, mute)),
        EventBody::Dismissed(Dismissed { notice }) => {
            frames::NoticeBody::Dismissed(frames::Dismissed { notice: *notice })
        }
        EventBody::Unknown(_) => frames::NoticeBody::Unknown,
        EventBody::Message(_)
        | EventBody::Joined(_)
        | EventBody::Left(_)
        | EventBody::RoleChanged(_)
        | EventBody::Pinned(_)
        | EventBody::Edited(_)
        | EventBody::Deleted(_)
        | EventBody::Reacted(_)
        | EventBody::Banned(_)
        | EventBody::Muted(_)
        | EventBody::RoomChanged(_) => return None,
    };
    Some(frames::Notice { seq: event.seq, at: event.at, body })
}

/// The flags of a room.
pub(crate) const fn flags(set: RoomFlags) -> frames::Flags {
    let RoomFlags {
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
    } = set;
    frames::Flags {
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
    }
}

const fn restricted(user: UserId, restricted: Restricted, by: UserId) -> frames::Restricted {
    let Restricted { on, until } = restricted;
    frames::Restricted { user, on, until, by }
}

/// What was imposed on the inbox's user. Where the site did it, the user is the actor.
fn restriction<'a>(event: &'a Event, notice: &'a RestrictionNotice) -> frames::RestrictionNotice<'a> {
    let RestrictionNotice { room, name, on, until, reason } = notice;
    let by_site = event.topic == TopicId::Inbox(event.actor.id);
    frames::RestrictionNotice {
        room: *room,
        name: Cow::Borrowed(name),
        on: *on,
        until: *until,
        reason: reason.as_deref().map(Cow::Borrowed),
        by: (!by_site).then(|| user(&event.actor)),
    }
}

/// An event, encoded for every socket at once.
pub(crate) fn event_frame(happened: &Event) -> Option<WireFrame> {
    match happened.topic {
        TopicId::Room(_) => event(happened).map(|event| WireFrame::json(&ServerFrame::Event(event))),
        TopicId::Inbox(_) => notice(happened).map(|notice| WireFrame::json(&ServerFrame::Notice(notice))),
    }
}

/// A user as others see one.
pub(crate) fn user(profile: &Profile) -> frames::User<'_> {
    frames::User {
        id: profile.id,
        name: Cow::Borrowed(&profile.name),
        avatar_url: profile.avatar_url.as_deref().map(Cow::Borrowed),
    }
}

/// A user with the name to sign in with.
pub(crate) fn account(profile: &Profile) -> frames::Account<'_> {
    frames::Account { user: user(profile), username: Cow::Borrowed(&profile.username) }
}

/// That a user's profile is now this one, encoded for every socket at once.
pub(crate) fn profile_frame(profile: &Profile) -> WireFrame {
    WireFrame::json(&ServerFrame::Profile(frames::Profile { user: account(profile) }))
}

/// That a user has set a status, or ended it.
pub(crate) fn status_frame(user: UserId, status: Option<&Status>) -> WireFrame {
    let status = status.map(self::status);
    WireFrame::json(&ServerFrame::Status(frames::StatusChanged { user, status }))
}

/// What a user says of what the user does.
pub(crate) fn status(status: &Status) -> frames::Status {
    frames::Status { text: status.text.clone(), until: status.until }
}

/// That a user has read a room up to a sequence number, for the user's other devices.
pub(crate) fn read_frame(room: RoomId, user: UserId, seq: Seq) -> WireFrame {
    WireFrame::json(&ServerFrame::Read(frames::Read::own(room, user, seq)))
}

/// How far the members of a room have read it, encoded for every socket at once.
pub(crate) fn reads_frame(reads: &RoomReads) -> WireFrame {
    let RoomReads { room, members, from, reads, .. } = reads;
    WireFrame::json(&ServerFrame::Read(frames::Read::of_members(*room, *members, *from, marks(reads))))
}

/// What the devices of a room's members have received; none where that is what they have read, or where it is not told.
pub(crate) fn delivered_frame(reads: &RoomReads) -> Option<WireFrame> {
    let RoomReads { room, reads, delivered, .. } = reads;
    let is_news = !delivered.is_empty() && delivered != reads;
    is_news.then(|| {
        WireFrame::json(&ServerFrame::Delivered(frames::Delivered { room: *room, marks: marks(delivered) }))
    })
}

/// How far a user has read a thread, for the user's devices.
pub(crate) fn thread_read_frame(room: RoomId, thread: MessageId, place: ThreadPlace) -> WireFrame {
    let ThreadPlace { following, read, unread } = place;
    WireFrame::json(&ServerFrame::ThreadRead(frames::ThreadRead { room, thread, following, read, unread }))
}

/// That a message mentions the members who are here, for the devices of one of them.
pub(crate) fn mentioned_here_frame(room: RoomId, message: MessageId, sender: &Profile) -> WireFrame {
    let (seq, sender) = (message.seq(), user(sender));
    WireFrame::json(&ServerFrame::MentionedHere(frames::MentionedHere { room, message, seq, sender }))
}

/// How far a user has read the inbox, for the user's devices.
pub(crate) fn inbox_read_frame(mark: InboxMark) -> WireFrame {
    let InboxMark { read, unread } = mark;
    WireFrame::json(&ServerFrame::InboxRead(frames::InboxRead { read, unread }))
}

/// What a user has set.
pub(crate) const fn user_settings(set: UserSettings) -> frames::UserSettings {
    let UserSettings {
        added_by,
        do_not_disturb_until,
        hides_presence,
        hides_last_seen,
        hides_typing,
        version: _,
    } = set;
    frames::UserSettings {
        added_by,
        do_not_disturb_until,
        presence: !hides_presence,
        last_seen: !hides_last_seen,
        typing: !hides_typing,
    }
}

/// What a member has set for a room.
pub(crate) const fn room_settings(set: RoomSettings) -> frames::RoomSettings {
    let RoomSettings { notify, muted_until } = set;
    frames::RoomSettings { notify, muted_until }
}

/// What a user has set, for the user's devices.
pub(crate) fn user_settings_frame(set: UserSettings) -> WireFrame {
    let user = Some(user_settings(set));
    WireFrame::json(&ServerFrame::Settings(frames::Settings { user, room: None, settings: None }))
}

/// What a member has set for a room, for the member's devices.
pub(crate) fn room_settings_frame(SetForRoom { room, settings, version: _ }: SetForRoom) -> WireFrame {
    let settings = Some(room_settings(settings));
    WireFrame::json(&ServerFrame::Settings(frames::Settings { user: None, room: Some(room), settings }))
}

/// The places of a room's members.
pub(crate) fn marks(marks: &[Mark]) -> Vec<frames::Mark> {
    let mark = |mark: &Mark| frames::Mark { seq: mark.seq, members: mark.members, users: mark.users.clone() };
    marks.iter().map(mark).collect()
}

/// That a user types, until the time is over, or has stopped.
pub(crate) fn typing_frame(
    room: RoomId,
    user: UserId,
    name: &str,
    expires_ms: Option<u64>,
    thread: Option<Seq>,
) -> WireFrame {
    let (on, thread) = (expires_ms.is_some(), thread.map(MessageId::new));
    let typing = frames::Typing { room, user, name: name.into(), on, expires_ms, thread };
    WireFrame::json(&ServerFrame::Typing(typing))
}

/// A message's id in its room: its sequence number, which is unique in the log and the key of its row.
pub(crate) fn message_id(seq: Seq) -> String {
    seq.to_string()
}

fn message<'a>(seq: Seq, sender: &'a Profile, message: &'a Message) -> frames::Message<'a> {
    let changes = message.changes.as_deref();
    frames::Message {
        id: Cow::Owned(message_id(seq)),
        sender: user(sender),
        text: Cow::Borrowed(&message.text),
        key: Cow::Borrowed(&message.key),
        reply_to: message.reply_to.map(|seq| Cow::Owned(message_id(seq))),
        mentions: message.mentions.clone(),
        mentions_all: message.mentions_all,
        attachments: message.attachments.clone(),
        metadata: message.metadata.as_deref().map(Cow::Borrowed),
        excerpt: message.excerpt.as_deref().map(excerpt),
        edited_at: changes.and_then(|changes| changes.edited_at),
        deleted: message.is_deleted(),
        reactions: changes
            .map(|changes| changes.reactions.iter().map(reactions).collect())
            .unwrap_or_default(),
        thread: match (&message.thread, changes.and_then(|changes| changes.thread.as_ref())) {
            (Some(stands_in), _) => Some(thread(Some(stands_in.root), stands_in.in_room, &stands_in.state)),
            (None, of_root) => of_root.map(|state| thread(None, false, state)),
        },
    }
}

fn thread(root: Option<Seq>, in_room: bool, state: &ThreadState) -> frames::Thread {
    let ThreadState { replies, last_at, by } = state;
    let root = root.map(MessageId::new);
    frames::Thread { root, in_room, replies: *replies, last_at: *last_at, by: by.clone() }
}

fn excerpt(excerpt: &Excerpt) -> frames::Excerpt<'_> {
    frames::Excerpt { sender: user(&excerpt.sender), text: Cow::Borrowed(&excerpt.text) }
}

fn reactions(of: &Reactions) -> frames::Reactions {
    frames::Reactions { emoji: of.emoji.to_string(), count: of.count, me: of.me }
}
