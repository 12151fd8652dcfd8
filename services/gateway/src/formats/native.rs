//! From events to frames: the one place where the services' types become the public contract's.

use std::borrow::Cow;

use madang_contract::{self as frames, ServerFrame, WireFrame};
use madang_domain::{
    Profile, Seq, TopicId,
    event::{Event, EventBody, Invite, Left, Mention, Message, RoomChanged},
};

/// An event as the public contract has it; none for topics that are no rooms.
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
        EventBody::RoomChanged(RoomChanged { name, slug, deleted }) => frames::EventBody::Room {
            properties: frames::Properties {
                name: Cow::Borrowed(name),
                slug: slug.as_deref().map(Cow::Borrowed),
                deleted: *deleted,
                by,
            },
        },
        EventBody::Unknown(_) => frames::EventBody::Unknown,
        // For its one user, in a frame of its own.
        EventBody::Mention(_) | EventBody::Invite(_) | EventBody::Custom(_) => return None,
    };
    Some(frames::Event { room: event.topic.room()?, seq: event.seq, at: event.at, body })
}

/// An inbox's event as the public contract has it; none for rooms'.
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
        EventBody::Unknown(_) => frames::NoticeBody::Unknown,
        EventBody::Message(_)
        | EventBody::Joined(_)
        | EventBody::Left(_)
        | EventBody::RoleChanged(_)
        | EventBody::RoomChanged(_) => return None,
    };
    Some(frames::Notice { seq: event.seq, at: event.at, body })
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

/// A message's id in its room. It is its place in the log: unique there, and the key of its row.
pub(crate) fn message_id(seq: Seq) -> String {
    seq.to_string()
}

fn message<'a>(seq: Seq, sender: &'a Profile, message: &'a Message) -> frames::Message<'a> {
    frames::Message {
        id: Cow::Owned(message_id(seq)),
        sender: user(sender),
        text: Cow::Borrowed(&message.text),
        key: Cow::Borrowed(&message.key),
        reply_to: message.reply_to.map(|seq| Cow::Owned(message_id(seq))),
        mentions: message.mentions.clone(),
        attachments: message.attachments.clone(),
    }
}
