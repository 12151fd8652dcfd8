//! What a page weighs at most: the bounds of its parts, added up by writing the heaviest.

use std::sync::Arc;

use madang_contract::rest::MessagesPage;
use madang_domain::{
    Attachment, AvatarUrl, DisplayName, ExternalId, IdempotencyKey, Profile, Role, RoomDetails, RoomFlags,
    RoomId, RoomKind, RoomName, RoomTopic, Seq, Slug, Timestamp, UserId, Username,
    event::{EventBody, Message},
    limits,
};
use madang_rpc::store::{Membership, Room, RoomSettings};
use serde_json::json;
use uuid::Uuid;

use super::*;

/// What one answer with a page weighs at most, as JSON.
const PAGE_ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// A character of four bytes, the most that there are.
const WIDE: &str = "𐐨";
const LATEST: Timestamp = Timestamp::from_micros(4_000_000_000_000_000);

fn wide(chars: usize) -> String {
    WIDE.repeat(chars)
}

/// The heaviest address of a picture.
fn address() -> String {
    let host = "https://example.com/";
    host.to_owned() + &"x".repeat(limits::AVATAR_URL_MAX_BYTES - host.len())
}

/// The heaviest user.
fn user(number: usize) -> Arc<Profile> {
    Arc::new(Profile {
        id: UserId::new(Uuid::from_u128(u128::MAX - number as u128)),
        username: Username::recorded(wide(limits::USERNAME_MAX_CHARS)).unwrap(),
        name: DisplayName::recorded(wide(limits::DISPLAY_NAME_MAX_CHARS)).unwrap(),
        avatar_url: AvatarUrl::recorded(address()),
        external_id: Some(ExternalId::new("x".repeat(limits::EXTERNAL_ID_MAX_BYTES)).unwrap()),
        version: LATEST,
    })
}

fn room_id() -> RoomId {
    RoomId::new(Uuid::from_u128(u128::MAX))
}

fn message(number: usize, text: String, attachments: Vec<Attachment>) -> Event {
    let message = Message {
        text,
        key: IdempotencyKey::new("k".repeat(limits::IDEMPOTENCY_KEY_MAX_BYTES)).unwrap(),
        reply_to: Some(Seq::new(u64::MAX)),
        attachments,
        mentions: Vec::new(),
        mentions_all: None,
        metadata: None,
        excerpt: None,
        changes: None,
        thread: None,
    };
    let (topic, seq) = (room_id().into(), Seq::new(u64::MAX));
    Event { topic, seq, at: LATEST, actor: user(number), subject: None, body: EventBody::Message(message) }
}

/// As many messages as a page may have, of senders that are all others: as much text as a page has, each byte of which JSON
/// writes as two, and at the end the largest message that there can be.
fn messages() -> Vec<Event> {
    let items = limits::PAGE_MAX_ITEMS as usize;
    let file = |_| {
        let (url, kind) = ("https://example.com/", "x".repeat(127));
        serde_json::from_value(json!({
            "url": url.to_owned() + &"x".repeat(limits::ATTACHMENT_URL_MAX_BYTES - url.len()),
            "name": "\"".repeat(limits::FILE_NAME_MAX_BYTES),
            "content_type": format!("{kind}/{kind}"),
            "size_bytes": u32::MAX,
        }))
        .unwrap()
    };
    let last = message(
        items,
        wide(limits::MESSAGE_TEXT_MAX_CHARS),
        (0..limits::ATTACHMENTS_MAX).map(file).collect(),
    );
    let text = "\"".repeat(limits::PAGE_MAX_BYTES / (items - 1));
    (1..items).map(|number| message(number, text.clone(), Vec::new())).chain([last]).collect()
}

fn assert_bounded(what: &str, answer: &impl serde::Serialize) {
    let bytes = serde_json::to_vec(answer).unwrap().len();
    assert!(bytes > 2 * limits::PAGE_MAX_BYTES, "{what} of {bytes} bytes is not the heaviest");
    assert!(bytes <= PAGE_ANSWER_MAX_BYTES, "{what} weighs {bytes} bytes");
}

#[test]
fn no_page_weighs_more_than_a_mebibyte() {
    let messages = messages();
    let next = Some("x".repeat(128));
    let place = Membership {
        role: Role::Moderator,
        read: Seq::new(u64::MAX),
        unread: u64::MAX,
        settings: RoomSettings::default(),
    };
    let view_of = |last: &Event| RoomView {
        room: Room {
            id: room_id(),
            kind: RoomKind::Private,
            name: RoomName::recorded(wide(limits::ROOM_NAME_MAX_CHARS)).unwrap(),
            slug: Some(Slug::new("s".repeat(limits::SLUG_MAX_BYTES)).unwrap()),
            external_id: None,
            created_at: LATEST,
            head: Seq::new(u64::MAX),
            member_count: u64::MAX,
            flags: RoomFlags { slow_mode_s: u32::MAX, ..RoomFlags::default() },
            details: RoomDetails {
                topic: Some(RoomTopic::new("😀".repeat(limits::ROOM_TOPIC_MAX_CHARS)).unwrap()),
                avatar_url: AvatarUrl::recorded(address()),
                unnamed: true,
            },
        },
        membership: Some(place),
        last_message: Some(last.clone()),
    };
    let rooms = Page { items: messages.iter().map(view_of).collect(), next: next.clone() };
    assert_bounded("a page of rooms", &page(&rooms, room));
    let member_of = |number| Member {
        user: user(number),
        role: Role::Moderator,
        joined_at: LATEST,
        read: Seq::new(u64::MAX),
        invited: false,
        muted_until: Some(LATEST),
    };
    let members = (0..limits::PAGE_MAX_ITEMS as usize).map(member_of).collect();
    assert_bounded("a page of members", &page(&Page { items: members, next }, member));
    let items = messages.iter().filter_map(room_message).collect();
    assert_bounded("a page of history", &MessagesPage { items, next_cursor: None, more: true });
}
