//! People and events.

use std::sync::Arc;

use madang_domain::{
    Attachment, AvatarUrl, DisplayName, Emoji, ExternalId, FileId, IdempotencyKey, Image, MentionAll,
    Metadata, Profile, Role, RoomId, Seq, Timestamp, TopicId, UserId, Username,
    event::{Event, EventBody, Excerpt, InThread, Message, MessageChanges, Reactions, ThreadState},
};
use madang_proto::types::v1 as wire;

use super::{DecodeError, Result, WireId, bounded, bounded_option, required, time};

/// An event as protobuf.
#[must_use]
pub fn encode_event(event: &Event) -> wire::Event {
    wire::Event {
        topic: Some(encode_topic(event.topic)),
        seq: event.seq.get(),
        at_micros: event.at.as_micros(),
        actor: Some(encode_profile(&event.actor)),
        subject: event.subject.as_deref().map(encode_profile),
        body: Some(encode_body(&event.body)),
    }
}

/// An event from protobuf.
///
/// # Errors
/// When a field is missing or outside its bounds; the error names it.
pub fn decode_event(event: wire::Event) -> Result<Event> {
    decode_with(event, &mut Profiles::default())
}

/// Events in a row. Neighbours by one actor share the profile.
pub(crate) fn decode_events(events: Vec<wire::Event>) -> Result<Vec<Event>> {
    let mut profiles = Profiles::default();
    events.into_iter().map(|event| decode_with(event, &mut profiles)).collect()
}

fn decode_with(event: wire::Event, profiles: &mut Profiles) -> Result<Event> {
    Ok(Event {
        topic: decode_topic("topic", event.topic)?,
        seq: Seq::new(event.seq),
        at: time(event.at_micros),
        actor: profiles.decode("actor", event.actor)?,
        body: decode_body(required("body", event.body)?, event.subject.is_some())?,
        subject: event
            .subject
            .map(|subject| decode_profile("subject", Some(subject)).map(Arc::new))
            .transpose()?,
    })
}

/// A topic as protobuf.
#[must_use]
pub fn encode_topic(topic: TopicId) -> wire::Topic {
    let id = match topic {
        TopicId::Room(id) => wire::topic::Id::Room(id.encode()),
        TopicId::Inbox(id) => wire::topic::Id::Inbox(id.encode()),
    };
    wire::Topic { id: Some(id) }
}

/// A topic from protobuf, in a field of this name.
///
/// # Errors
/// When it is missing or malformed; the error names the field.
pub fn decode_topic(field: &str, topic: Option<wire::Topic>) -> Result<TopicId> {
    let id = required("id", required(field, topic)?.id).map_err(|error| error.within(field))?;
    match id {
        wire::topic::Id::Room(id) => RoomId::decode("room", &id).map(TopicId::Room),
        wire::topic::Id::Inbox(id) => UserId::decode("inbox", &id).map(TopicId::Inbox),
    }
    .map_err(|error| error.within(field))
}

/// A profile as protobuf.
#[must_use]
pub fn encode_profile(profile: &Profile) -> wire::Profile {
    wire::Profile {
        id: profile.id.encode(),
        username: profile.username.to_string(),
        name: profile.name.to_string(),
        avatar_url: profile.avatar_url.as_ref().map(AvatarUrl::to_string),
        version: profile.version.as_micros(),
        external_id: profile.external_id.as_ref().map(ExternalId::to_string),
    }
}

/// A profile from protobuf, in a field of this name.
///
/// # Errors
/// When it is missing or outside its bounds; the error names the field.
pub fn decode_profile(field: &str, profile: Option<wire::Profile>) -> Result<Profile> {
    let profile = required(field, profile)?;
    let fields = || {
        Ok(Profile {
            id: UserId::decode("id", &profile.id)?,
            username: bounded("username", profile.username, Username::recorded)?,
            name: bounded("name", profile.name, DisplayName::recorded)?,
            avatar_url: profile.avatar_url.and_then(AvatarUrl::recorded),
            external_id: bounded_option("external_id", profile.external_id, ExternalId::new)?,
            version: time(profile.version),
        })
    };
    fields().map_err(|error: DecodeError| error.within(field))
}

/// The profiles of one protobuf message. A conversation's neighbouring events mostly have few senders,
/// so the last profile often serves the next event: no second check of its texts, no second copy.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    last: Option<Arc<Profile>>,
}

impl Profiles {
    pub(crate) fn decode(&mut self, field: &str, profile: Option<wire::Profile>) -> Result<Arc<Profile>> {
        if let (Some(last), Some(profile)) = (&self.last, &profile)
            && is_same(last, profile)
        {
            return Ok(Arc::clone(last));
        }
        let profile = Arc::new(decode_profile(field, profile)?);
        self.last = Some(Arc::clone(&profile));
        Ok(profile)
    }
}

/// Whether decoding `wire` would give `profile` again.
fn is_same(profile: &Profile, wire: &wire::Profile) -> bool {
    profile.id.uuid().as_bytes()[..] == wire.id[..]
        && profile.version.as_micros() == wire.version
        && profile.username.as_str() == wire.username
        && profile.name.as_str() == wire.name
        && profile.avatar_url.as_deref() == wire.avatar_url.as_deref()
        && profile.external_id.as_deref() == wire.external_id.as_deref()
}

pub(crate) const fn encode_role(role: Role) -> wire::Role {
    match role {
        Role::Guest => wire::Role::Guest,
        Role::Member => wire::Role::Member,
        Role::Moderator => wire::Role::Moderator,
        Role::Owner => wire::Role::Owner,
    }
}

pub(crate) fn decode_role(field: &str, role: i32) -> Result<Role> {
    match wire::Role::try_from(role) {
        Ok(wire::Role::Guest) => Ok(Role::Guest),
        Ok(wire::Role::Member) => Ok(Role::Member),
        Ok(wire::Role::Moderator) => Ok(Role::Moderator),
        Ok(wire::Role::Owner) => Ok(Role::Owner),
        Ok(wire::Role::Unspecified) => Err(DecodeError::new(field, "is missing")),
        Err(unknown) => Err(DecodeError::new(field, format!("{unknown}; none of the known roles"))),
    }
}

fn encode_body(body: &EventBody) -> wire::event::Body {
    match body {
        EventBody::Message(message) => wire::event::Body::Message(encode_message(message)),
        cold => wire::event::Body::Detail(wire::Detail {
            kind: cold.number().into(),
            json: cold.detail().unwrap_or_default(),
        }),
    }
}

fn decode_body(body: wire::event::Body, has_subject: bool) -> Result<EventBody> {
    match body {
        wire::event::Body::Message(message) => decode_message("message", message).map(EventBody::Message),
        wire::event::Body::Detail(wire::Detail { kind, json }) => {
            let kind = i16::try_from(kind).map_err(|error| DecodeError::new("detail.kind", error))?;
            let detail = Some(&*json).filter(|json| !json.is_empty());
            EventBody::read(kind, detail, has_subject).map_err(|error| DecodeError::new("detail", error))
        }
    }
}

/// No message has place 0, so 0 stands for "answers none" on the wire.
pub(crate) fn encode_message(message: &Message) -> wire::Message {
    wire::Message {
        text: message.text.clone(),
        key: message.key.to_string(),
        reply_to: message.reply_to.unwrap_or(Seq::START).get(),
        attachments: message.attachments.iter().map(encode_attachment).collect(),
        mentions: message.mentions.iter().map(|user| user.encode()).collect(),
        excerpt: message.excerpt.as_deref().map(encode_excerpt),
        changes: message.changes.as_deref().map(encode_changes),
        thread: message.thread.as_deref().map(encode_in_thread),
        mentions_all: encode_mention_all(message.mentions_all).into(),
        metadata: message.metadata.as_deref().map(|metadata| metadata.json().to_owned()).unwrap_or_default(),
    }
}

pub(crate) const fn encode_mention_all(all: Option<MentionAll>) -> wire::MentionAll {
    match all {
        None => wire::MentionAll::Unspecified,
        Some(MentionAll::All) => wire::MentionAll::All,
        Some(MentionAll::Here) => wire::MentionAll::Here,
    }
}

/// What a newer version says besides is nobody whom this one could tell.
pub(crate) fn decode_mention_all(all: i32) -> Option<MentionAll> {
    match wire::MentionAll::try_from(all) {
        Ok(wire::MentionAll::All) => Some(MentionAll::All),
        Ok(wire::MentionAll::Here) => Some(MentionAll::Here),
        Ok(wire::MentionAll::Unspecified) | Err(_) => None,
    }
}

fn encode_in_thread(InThread { root, in_room, state }: &InThread) -> wire::InThread {
    wire::InThread { root: root.get(), in_room: *in_room, state: Some(encode_thread(state)) }
}

fn decode_in_thread(thread: wire::InThread) -> Result<InThread> {
    let wire::InThread { root, in_room, state } = thread;
    let state = state.map(decode_thread).transpose()?.unwrap_or_default();
    Ok(InThread { root: Seq::new(root), in_room, state })
}

fn encode_thread(ThreadState { replies, last_at, by }: &ThreadState) -> wire::ThreadState {
    let by = by.iter().map(|user| user.encode()).collect();
    wire::ThreadState { replies: *replies, last_at_micros: last_at.map(Timestamp::as_micros), by }
}

fn decode_thread(thread: wire::ThreadState) -> Result<ThreadState> {
    let wire::ThreadState { replies, last_at_micros, by } = thread;
    let by = by.iter().map(|user| UserId::decode("by", user)).collect::<Result<_>>()?;
    Ok(ThreadState { replies, last_at: last_at_micros.map(time), by })
}

pub(crate) fn encode_excerpt(excerpt: &Excerpt) -> wire::Excerpt {
    wire::Excerpt { sender: Some(encode_profile(&excerpt.sender)), text: excerpt.text.clone() }
}

pub(crate) fn decode_excerpt(excerpt: wire::Excerpt) -> Result<Excerpt> {
    let sender = Arc::new(decode_profile("sender", excerpt.sender)?);
    Ok(Excerpt { sender, text: excerpt.text })
}

fn encode_changes(changes: &MessageChanges) -> wire::MessageChanges {
    let reactions =
        |of: &Reactions| wire::Reactions { emoji: of.emoji.to_string(), count: of.count, me: of.me };
    wire::MessageChanges {
        edited_at_micros: changes.edited_at.map(Timestamp::as_micros),
        deleted: changes.deleted,
        reactions: changes.reactions.iter().map(reactions).collect(),
        thread: changes.thread.as_ref().map(encode_thread),
    }
}

fn decode_changes(changes: wire::MessageChanges) -> Result<MessageChanges> {
    let reactions = |wire::Reactions { emoji, count, me }| {
        Ok(Reactions { emoji: bounded("emoji", emoji, Emoji::recorded)?, count, me })
    };
    Ok(MessageChanges {
        edited_at: changes.edited_at_micros.map(time),
        deleted: changes.deleted,
        reactions: changes.reactions.into_iter().map(reactions).collect::<Result<_>>()?,
        thread: changes.thread.map(decode_thread).transpose()?,
    })
}

/// The text's own bounds are judged where a message is appended, not here: an event of the log may hold
/// an older or an erased one.
pub(crate) fn decode_message(field: &str, message: wire::Message) -> Result<Message> {
    let fields = || {
        Ok(Message {
            text: message.text,
            key: bounded("key", message.key, IdempotencyKey::new)?,
            reply_to: Some(Seq::new(message.reply_to)).filter(|seq| *seq != Seq::START),
            attachments: message
                .attachments
                .into_iter()
                .map(|attachment| decode_attachment(attachment).map_err(|error| error.within("attachments")))
                .collect::<Result<_>>()?,
            mentions: message
                .mentions
                .iter()
                .map(|user| UserId::decode("mentions", user))
                .collect::<Result<_>>()?,
            excerpt: message
                .excerpt
                .map(|excerpt| decode_excerpt(excerpt).map_err(|error| error.within("excerpt")).map(Box::new))
                .transpose()?,
            changes: message
                .changes
                .map(|changes| decode_changes(changes).map_err(|error| error.within("changes")).map(Box::new))
                .transpose()?,
            mentions_all: decode_mention_all(message.mentions_all),
            metadata: Some(message.metadata)
                .filter(|json| !json.is_empty())
                .map(|json| Metadata::new(&json).map_err(|error| DecodeError::new("metadata", error)))
                .transpose()?
                .map(Box::new),
            thread: message
                .thread
                .map(|thread| decode_in_thread(thread).map_err(|error| error.within("thread")).map(Box::new))
                .transpose()?,
        })
    };
    fields().map_err(|error: DecodeError| error.within(field))
}

pub(crate) fn encode_attachment(attachment: &Attachment) -> wire::Attachment {
    wire::Attachment {
        url: attachment.url.to_string(),
        name: attachment.name.to_string(),
        content_type: attachment.content_type.to_string(),
        size_bytes: attachment.size_bytes,
        file: attachment.file.map(WireId::encode).unwrap_or_default(),
        image: attachment.image.as_ref().map(encode_image),
    }
}

pub(crate) fn decode_attachment(attachment: wire::Attachment) -> Result<Attachment> {
    let wire::Attachment { url, name, content_type, size_bytes, file, image } = attachment;
    let recorded = bounded("url", url, |url| Attachment::recorded(url, &name, content_type, size_bytes))?;
    let file = if file.is_empty() { None } else { Some(FileId::decode("file", &file)?) };
    Ok(Attachment { file, image: image.map(decode_image), ..recorded })
}

pub(crate) fn encode_image(image: &Image) -> wire::Image {
    wire::Image { width: image.width, height: image.height, placeholder: image.placeholder.clone() }
}

pub(crate) fn decode_image(image: wire::Image) -> Image {
    Image { width: image.width, height: image.height, placeholder: image.placeholder }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> wire::Profile {
        wire::Profile {
            id: vec![1; 16].into(),
            username: "mina".into(),
            name: "Mina".into(),
            avatar_url: None,
            version: 1,
            external_id: None,
        }
    }

    #[test]
    fn neighbours_share_a_profile_only_when_all_of_it_is_the_same() {
        let mut profiles = Profiles::default();
        let mut decode = |profile: &wire::Profile| profiles.decode("actor", Some(profile.clone())).unwrap();
        let first = decode(&profile());
        assert!(Arc::ptr_eq(&first, &decode(&profile())));

        let others = [
            wire::Profile { id: vec![2; 16].into(), ..profile() },
            wire::Profile { username: "other".into(), ..profile() },
            wire::Profile { name: "Other".into(), ..profile() },
            wire::Profile { avatar_url: Some("https://example.org/a.png".into()), ..profile() },
            wire::Profile { version: 2, ..profile() },
            wire::Profile { external_id: Some("7".into()), ..profile() },
        ];
        for other in others {
            decode(&profile());
            assert_eq!(encode_profile(&decode(&other)), other);
        }
    }
}
