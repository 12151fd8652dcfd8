//! Events as protobuf and back: exactly, or with an error that names the field.
#![expect(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

use std::sync::Arc;

use madang_domain::{
    Attachment, AttachmentUrl, AvatarUrl, Code, DisplayName, Error, ExternalId, FileName, IdempotencyKey,
    MediaType, MentionAll, Metadata, Profile, Role, RoomDetails, RoomFlags, RoomId, RoomName, RoomTopic, Seq,
    Slug, Timestamp, TopicId, UserId, Username,
    event::{
        Custom, Event, EventBody, EventKind, Invite, Joined, Left, Mention, Message, Restricted, RoleChanged,
        RoomChanged, Unknown,
    },
};
use madang_proto::types::v1 as wire;
use madang_rpc::wire::{decode_event, encode_event};
use proptest::{collection::vec, option, prelude::*};
use prost::Message as _;
use uuid::Uuid;

fn user_id() -> impl Strategy<Value = UserId> {
    any::<u128>().prop_map(|n| UserId::new(Uuid::from_u128(n)))
}

fn name() -> impl Strategy<Value = DisplayName> {
    "[a-z가-힣🙂]{1,20}".prop_map(|text| DisplayName::new(text).unwrap())
}

fn url() -> impl Strategy<Value = AvatarUrl> {
    "https://[a-z]{1,20}/[a-z가-힣]{0,20}".prop_map(|text| AvatarUrl::new(text).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn profile() -> impl Strategy<Value = Arc<Profile>> {
    let external = option::of("[ -~]{1,40}");
    (user_id(), "[a-z0-9가-힣_.-]{2,20}", name(), option::of(url()), external, time()).prop_map(
        |(id, username, name, avatar_url, external, version)| {
            Arc::new(Profile {
                id,
                username: Username::new(username).unwrap(),
                name,
                avatar_url,
                external_id: external.map(|id| ExternalId::new(id).unwrap()),
                version,
            })
        },
    )
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Guest), Just(Role::Member), Just(Role::Moderator), Just(Role::Owner)]
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let media_type = "[a-z]{1,20}/[a-z.+-]{1,100}(; [a-z]{1,9}=[a-z0-9]{1,9})?";
    let media_type =
        media_type.prop_filter_map("a subtype begins with a letter", |text| MediaType::new(text).ok());
    let url = "(https://[a-z]{1,20})?/[a-z가-힣]{1,20}".prop_map(|text| AttachmentUrl::new(text).unwrap());
    let name = "[a-z가-힣🙂]{1,60}".prop_map(|text| FileName::new(text).unwrap());
    (url, name, media_type, any::<u64>()).prop_map(|(url, name, content_type, size_bytes)| Attachment {
        url,
        name,
        content_type,
        size_bytes,
        file: None,
        image: None,
    })
}

fn message() -> impl Strategy<Value = Message> {
    // Any text: an erased message has none.
    let mentions = vec(user_id(), 0..3);
    let all = option::of(prop_oneof![Just(MentionAll::All), Just(MentionAll::Here)]);
    let metadata = option::of(
        "[a-z가-힣]{0,64}"
            .prop_map(|text| Box::new(Metadata::new(&format!("{{ \"z\": \"{text}\",\"a\":1e9}}")).unwrap())),
    );
    let besides = (mentions, all, metadata);
    (any::<String>(), "[ -~]{1,64}", option::of(1..=u64::MAX), vec(attachment(), 0..3), besides).prop_map(
        |(text, key, reply_to, attachments, (mentions, mentions_all, metadata))| Message {
            text,
            key: IdempotencyKey::new(key).unwrap(),
            reply_to: reply_to.map(Seq::new),
            attachments,
            mentions,
            mentions_all,
            metadata,
            excerpt: None,
            changes: None,
            thread: None,
        },
    )
}

fn body() -> impl Strategy<Value = EventBody> {
    let room = || any::<u128>().prop_map(|n| RoomId::new(Uuid::from_u128(n)));
    let name = || "[a-z가-힣]{1,40}".prop_map(|name| RoomName::new(name).unwrap());
    let slug = option::of("[a-z]{1,40}".prop_map(|slug| Slug::new(slug).unwrap()));
    prop_oneof![
        message().prop_map(EventBody::Message),
        role().prop_map(|role| EventBody::Joined(Joined { role })),
        Just(EventBody::Left(Left {})),
        role().prop_map(|role| EventBody::RoleChanged(RoleChanged { role })),
        (name(), slug, any::<bool>(), 0_u32..100).prop_map(|(name, slug, deleted, slow_mode_s)| {
            let flags = RoomFlags { slow_mode_s, archived: deleted, ..RoomFlags::default() };
            let details = RoomDetails {
                topic: slug.is_some().then(|| RoomTopic::new("noon").unwrap()),
                avatar_url: None,
                unnamed: deleted,
            };
            EventBody::RoomChanged(RoomChanged { name, slug, flags, details, deleted })
        }),
        any::<bool>().prop_map(|on| EventBody::Banned(Restricted { on, until: None })),
        any::<bool>()
            .prop_map(|on| EventBody::Muted(Restricted { on, until: Some(Timestamp::from_micros(7_000)) })),
        (room(), any::<u64>())
            .prop_map(|(room, seq)| EventBody::Mention(Mention { room, seq: Seq::new(seq) })),
        (room(), name(), any::<bool>()).prop_map(|(room, name, pending)| EventBody::Invite(Invite {
            room,
            name,
            pending
        })),
        "[a-z가-힣]{0,64}".prop_map(|text| {
            EventBody::Custom(Custom::new(&format!("{{ \"z\": \"{text}\",\"a\":1e9}}")).unwrap())
        }),
        // Of a newer version: whatever its detail is, it stays as it is.
        (100_i16.., option::of(".{1,40}")).prop_map(|(number, detail)| {
            EventBody::Unknown(Unknown { number, detail: detail.map(Into::into) })
        }),
    ]
}

fn topic() -> impl Strategy<Value = TopicId> {
    prop_oneof![
        any::<u128>().prop_map(|n| TopicId::Room(RoomId::new(Uuid::from_u128(n)))),
        user_id().prop_map(TopicId::Inbox),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (topic(), any::<u64>(), time(), profile(), option::of(profile()), body()).prop_map(
        |(topic, seq, at, actor, about, body)| {
            let needs = EventKind::from_number(body.number()).is_some_and(EventKind::has_subject);
            let subject = about.or_else(|| needs.then(|| Arc::clone(&actor)));
            Event { topic, seq: Seq::new(seq), at, actor, subject, body }
        },
    )
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_bytes(event in event()) {
        let bytes = encode_event(&event).encode_to_vec();
        let decoded = wire::Event::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(decode_event(decoded).unwrap(), event);
    }

    #[test]
    fn any_bytes_give_an_event_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(event) = wire::Event::decode(bytes.as_slice()) {
            let _ = decode_event(event);
        }
    }
}

fn sample() -> wire::Event {
    let id = UserId::new(Uuid::from_u128(1));
    let user = Arc::new(Profile {
        id,
        username: Username::new("mina").unwrap(),
        name: DisplayName::new("Mina").unwrap(),
        avatar_url: None,
        external_id: None,
        version: Timestamp::from_micros(1),
    });
    encode_event(&Event {
        topic: TopicId::Inbox(id),
        seq: Seq::new(7),
        at: Timestamp::from_micros(-1),
        actor: Arc::clone(&user),
        subject: Some(user),
        body: EventBody::Joined(Joined { role: Role::Owner }),
    })
}

#[test]
fn a_bad_field_is_named() {
    type Spoil = fn(&mut wire::Event);
    fn detail(event: &mut wire::Event) -> &mut wire::Detail {
        match event.body.as_mut().unwrap() {
            wire::event::Body::Detail(detail) => detail,
            other => panic!("{other:?}"),
        }
    }
    let cases: &[(Spoil, &str)] = &[
        (|event| event.topic = None, "topic: is missing"),
        (|event| event.topic = Some(wire::Topic { id: None }), "topic.id: is missing"),
        (
            |event| event.topic = Some(wire::Topic { id: Some(wire::topic::Id::Room(vec![1; 15].into())) }),
            "topic.room: must be the 16 bytes of a UUID",
        ),
        (|event| event.actor = None, "actor: is missing"),
        (|event| event.actor.as_mut().unwrap().id.clear(), "actor.id: must be the 16 bytes of a UUID"),
        (
            |event| event.actor.as_mut().unwrap().username = "x".into(),
            "actor.username: must have 2 to 32 characters",
        ),
        (|event| event.body = None, "body: is missing"),
        (|event| event.subject = None, "detail: `joined` has no subject"),
        (|event| event.subject.as_mut().unwrap().name.clear(), "subject.name: must have a visible character"),
        (|event| detail(event).kind = 1, "detail: a message has parts of its own"),
        (
            |event| detail(event).kind = i32::MAX,
            "detail.kind: out of range integral type conversion attempted",
        ),
        (
            |event| detail(event).json.clear(),
            "detail: the detail of `joined`: missing field `role` at line 1 column 2",
        ),
        (
            |event| detail(event).json = r#"{"role":"king"}"#.into(),
            "detail: the detail of `joined`: unknown variant `king`, expected one of `guest`, `member`, \
             `moderator`, `owner` at line 1 column 14",
        ),
    ];
    for (spoil, expected) in cases {
        let mut event = sample();
        assert!(decode_event(event.clone()).is_ok());
        spoil(&mut event);
        let error = decode_event(event).unwrap_err();
        assert_eq!(error.to_string(), *expected);
        assert_eq!(Error::from(error).code, Code::InvalidArgument);
    }
}
