//! The values of which the documents' examples consist: a user, a room and a message. The examples of frames and events
//! stand beside their types, so that a new type and its example are in one place.

use std::borrow::Cow;

use madang_domain::{
    AttachmentUrl, Epoch, FileName, Image, MediaType, MentionAll, Metadata, RoomId, Timestamp, UserId,
};

use crate::{Attachment, Excerpt, Link, Message, Reactions, Thread, User};

/// The id of the user.
const MINA: &str = "01a2024d-95a6-763a-b28c-5f0939d5c634";
/// The id of another user.
pub(crate) const JOON: &str = "01a2024d-95d7-7bd3-a3c0-c4581887f92f";
/// The id of the room.
pub(crate) const ROOM: &str = "01a2024d-9635-716b-add6-7995dafa95fd";

/// The id of the uploaded file.
pub(crate) const FILE: &str = "01a2024d-95d7-7ac3-8afb-e3a86cee2d1a";

/// The user of the examples.
pub(crate) fn user() -> User<'static> {
    User { id: mina(), name: "Mina".into(), avatar_url: None }
}

/// The message of the examples.
pub(crate) fn message() -> Message<'static> {
    Message {
        id: "3".into(),
        sender: user(),
        text: "안녕하세요".into(),
        key: "k1".into(),
        reply_to: Some("2".into()),
        mentions: vec![parsed(JOON)],
        mentions_all: Some(MentionAll::Here),
        attachments: vec![attachment()],
        metadata: Some(Cow::Owned(metadata())),
        excerpt: Some(Excerpt { sender: user(), text: "회의는 세 시입니다".into() }),
        edited_at: Some(at()),
        deleted: false,
        reactions: vec![Reactions { emoji: "👍".to_owned(), count: 2, me: Some(true) }],
        thread: Some(thread()),
    }
}

/// The metadata of the examples.
pub(crate) fn metadata() -> Metadata {
    Metadata::new(r#"{"order":7}"#).unwrap_or_else(|error| unreachable!("the example of metadata: {error}"))
}

/// The thread of the examples, as its root shows it.
pub(crate) fn thread() -> Thread {
    Thread { root: None, in_room: false, replies: 3, last_at: Some(at()), by: vec![parsed(JOON), mina()] }
}

/// The attachment of the examples: an uploaded picture.
pub(crate) fn attachment() -> Attachment {
    Attachment {
        url: parsed::<AttachmentUrl>(&format!("/v1/files/{FILE}")),
        name: parsed::<FileName>("마당.jpg"),
        content_type: parsed::<MediaType>("image/jpeg"),
        size_bytes: 418_204,
        file: Some(parsed(FILE)),
        image: Some(Image {
            width: 1_600,
            height: 1_200,
            placeholder: "LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned(),
        }),
    }
}

/// The link of the examples.
pub(crate) fn link() -> Link {
    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    Link {
        url: parsed::<AttachmentUrl>("https://files.example.com/1"),
        name: parsed::<FileName>("회의록.docx"),
        content_type: parsed::<MediaType>(WORD),
        size_bytes: 18_204,
    }
}

/// The id of the user of the examples.
pub(crate) fn mina() -> UserId {
    parsed(MINA)
}

/// The id of the room of the examples.
pub(crate) fn room_id() -> RoomId {
    parsed(ROOM)
}

/// The epoch of the examples.
pub(crate) fn epoch() -> Epoch {
    Epoch::new(0x2413_9c12)
}

/// The time of the examples.
pub(crate) fn at() -> Timestamp {
    Timestamp::from_micros(1_795_335_768_917_000)
}

/// Parses the text of an example.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| unreachable!("the example {text}: {error:?}"))
}
