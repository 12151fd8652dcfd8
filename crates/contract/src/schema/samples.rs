//! Examples for the documents. Those of answers are written by the types themselves, those of requests are read by
//! them; the linters hold both against the schemas. So an example is wrong only where a schema is.

use std::borrow::Cow;

use madang_domain::{
    AttachmentUrl, Code, Epoch, FileName, MediaType, Role, RoomId, RoomKind, Seq, SessionId, Timestamp,
    UserId,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Account, Ack, Attachment, CaughtUp, ClientFrame, CustomData, ErrorFrame, Event, EventBody, Hello,
    HistoryPage, Inbox, Invite, Joined, Left, Limits, Mention, Message, Notice, NoticeBody, OkFrame, Pong,
    Presence, PresenceAnswer, PresenceChange, Properties, Read, ReadAnswer, Reconnect, Renewed, Request,
    RequestId, RoleChange, RoomError, RoomMessage, ServerFrame, SiteUser, Subscribed, SubscribedRoom, Typing,
    User,
    rest::{
        AuthSession, FieldProblem, InboxPage, JwkSet, Login, MarkRead, Member, NewRoom, NewSiteRoom, Page,
        Problem, ProfileChanges, PutMember, PutSiteMember, ReadMark, RefreshToken, Register, Room,
        RoomChanges, SendAs, SendMessage, SentMessage, SentNotice, SiteRoom, SiteUserChanges, Ticket, Tokens,
    },
};

const MINA: &str = "01a2024d-95a6-763a-b28c-5f0939d5c634";
const JOON: &str = "01a2024d-95d7-7bd3-a3c0-c4581887f92f";
const ROOM: &str = "01a2024d-9635-716b-add6-7995dafa95fd";
const SESSION: &str = "01a2024d-95d7-7ac3-8afb-e3a86cee2d1a";

/// The example of a definition, by the reference to it.
pub(super) fn of_reference(reference: &str) -> Option<Value> {
    let name = reference.strip_prefix("#/components/schemas/")?;
    request(name).or_else(|| answer(name))
}

/// The example of a refusal.
pub(super) fn problem(code: Code) -> Value {
    written(&Problem {
        kind: "about:blank".into(),
        title: "A short title".into(),
        status: code.http_status(),
        detail: "what to do next".into(),
        code,
        errors: Vec::from_iter((code == Code::InvalidArgument).then(|| FieldProblem {
            pointer: "/name".into(),
            detail: "must have a visible character".into(),
        })),
        retry_after_ms: matches!(code, Code::RateLimited | Code::Unavailable).then_some(1_000),
    })
}

fn request(name: &str) -> Option<Value> {
    Some(match name {
        "Register" => {
            read::<Register>(json!({"username": "mina", "password": "correct horse battery", "name": "Mina"}))
        }
        "Login" => read::<Login>(json!({"username": "mina", "password": "correct horse battery"})),
        "RefreshToken" => read::<RefreshToken>(json!({"refresh_token": "nEIu0EQSI0Tx"})),
        "ProfileChanges" => read::<ProfileChanges>(json!({"name": "Mina", "avatar_url": null})),
        "NewRoom" => read::<NewRoom>(
            json!({"name": "Courtyard", "kind": "public", "slug": "courtyard", "members": [JOON]}),
        ),
        "RoomChanges" => read::<RoomChanges>(json!({"name": "Courtyard at noon", "slug": null})),
        "PutMember" => read::<PutMember>(json!({"role": "moderator"})),
        "SendMessage" => read::<SendMessage>(
            json!({"text": "안녕하세요", "key": "k1", "reply_to": "2", "attachments": [written(&attachment())]}),
        ),
        "MarkRead" => read::<MarkRead>(json!({"seq": 3})),
        "SiteUserChanges" => {
            read::<SiteUserChanges>(json!({"username": "mina", "name": "Mina", "avatar_url": null}))
        }
        "NoticeData" => json!({"kind": "order", "no": 7}),
        "NewSiteRoom" => read::<NewSiteRoom>(
            json!({"name": "Order 7", "kind": "private", "external_id": "7", "owner": "ext:41", "members": ["ext:42"]}),
        ),
        "PutSiteMember" => read::<PutSiteMember>(json!({"role": "member"})),
        "SendAs" => {
            read::<SendAs>(json!({"user": "ext:41", "text": "안녕하세요", "key": "k1", "join": true}))
        }
        _ => return None,
    })
}

fn answer(name: &str) -> Option<Value> {
    Some(match name {
        "Tokens" => written(&Tokens {
            access_token: "eyJ0eXAiOiJhdCtqd3Qi".to_owned(),
            refresh_token: "nEIu0EQSI0Tx".to_owned(),
            token_type: "Bearer".into(),
            expires_in: 900,
            user: account(),
        }),
        "Ticket" => written(&Ticket { ticket: "015I6Tu6hHizcW1KfW3w".to_owned(), expires_in: 30 }),
        "AuthSessionPage" => written(&page(AuthSession {
            id: session(),
            created_at: at(),
            used_at: at(),
            ip: Some("127.0.0.1".to_owned()),
            user_agent: None,
            current: true,
        })),
        "JwkSet" => {
            let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig", "alg": "EdDSA", "x": "11qYAYKxCrfV"});
            written(&JwkSet { keys: key.as_object().cloned().into_iter().collect() })
        }
        "Account" => written(&account()),
        "Room" => written(&room()),
        "RoomPage" => written(&page(room())),
        "Member" => written(&member()),
        "MemberPage" => written(&page(member())),
        "RoomMessagePage" => written(&page(room_message())),
        "SentMessage" => {
            written(&SentMessage { id: "3".to_owned(), seq: Seq::new(3), at: at(), duplicate: false })
        }
        "ReadMark" => written(&ReadMark { read: Seq::new(3), unread: 0 }),
        "InboxPage" => written(&InboxPage {
            items: notices().to_vec(),
            next_cursor: None,
            epoch: epoch(),
            head: Seq::new(4),
            read: Seq::START,
            unread: 4,
        }),
        "SiteUser" => written(&SiteUser { account: account(), external_id: Some("41".into()) }),
        "SentNotice" => written(&SentNotice { seq: Seq::new(3), at: at() }),
        "SiteRoom" => written(&SiteRoom { room: room(), external_id: None }),
        _ => return None,
    })
}

/// Examples of the frames that a client sends.
pub(super) fn requests() -> Vec<Value> {
    [
        json!({"type": "auth", "token": "eyJ0eXAi", "inbox_since": 3, "inbox_epoch": "24139c12"}),
        json!({"type": "subscribe", "id": "1", "rooms": [{"room": "courtyard", "since": 0}, {"room": ROOM}]}),
        json!({"type": "subscribe", "id": "2", "all": true, "cursors": {ROOM: 4}}),
        json!({"type": "unsubscribe", "id": "3", "rooms": ["ext:7"]}),
        json!({"type": "send", "id": "4", "room": ROOM, "key": "k1", "text": "안녕하세요", "reply_to": "2"}),
        json!({"type": "send", "room": ROOM, "key": "k2", "text": "a file", "attachments": [written(&attachment())]}),
        json!({"type": "read", "id": "5", "room": "courtyard", "seq": 3}),
        json!({"type": "typing", "room": "courtyard", "on": true}),
        json!({"type": "history", "id": "6", "room": "courtyard", "before": 5, "limit": 2}),
        json!({"type": "presence", "id": "7", "room": "courtyard"}),
        json!({"type": "ping", "id": "8"}),
    ]
    .into_iter()
    .inspect(|frame| {
        let parsed = Request::parse(&frame.to_string());
        assert!(parsed.is_ok(), "{frame}: {parsed:?}");
        // A new frame has an example, or the match does not compile.
        if let Ok(request) = parsed {
            match request.frame {
                ClientFrame::Auth { .. }
                | ClientFrame::Subscribe(_)
                | ClientFrame::Unsubscribe { .. }
                | ClientFrame::Send { .. }
                | ClientFrame::Read { .. }
                | ClientFrame::Typing { .. }
                | ClientFrame::History { .. }
                | ClientFrame::Presence { .. }
                | ClientFrame::Ping {} => {}
            }
        }
    })
    .collect()
}

/// Examples of the frames that the server sends.
pub(super) fn frames() -> Vec<Value> {
    let mut frames = vec![
        ServerFrame::Hello(Hello {
            session: session(),
            user: user(),
            heartbeat_ms: 15_000,
            limits: Limits {
                frame_bytes: 65_536,
                text_chars: 4_000,
                subscribe_rooms: 100,
                replay_events: 500,
            },
        }),
        ServerFrame::Subscribed(subscribed()),
        ServerFrame::CaughtUp(CaughtUp { room: room_id(), seq: Seq::new(4) }),
        ServerFrame::Ack(Ack {
            re: re(),
            room: room_id(),
            key: "k1".into(),
            id: "3".to_owned(),
            seq: Seq::new(3),
            at: at(),
            duplicate: false,
        }),
        ServerFrame::Error(ErrorFrame {
            re: re(),
            code: Code::RateLimited,
            message: "too many messages: slow down".into(),
            retry_after_ms: Some(33),
        }),
        ServerFrame::Error(ErrorFrame {
            re: None,
            code: Code::InvalidArgument,
            message: "not a JSON object".into(),
            retry_after_ms: None,
        }),
        ServerFrame::Inbox(Inbox {
            epoch: epoch(),
            head: Seq::new(3),
            from: Seq::START,
            complete: true,
            read: Seq::START,
            unread: 3,
        }),
        ServerFrame::Read(Read { room: room_id(), user: mina(), seq: Seq::new(3) }),
        ServerFrame::Typing(Typing { room: room_id(), user: mina(), name: "Mina".into(), on: true }),
        ServerFrame::Presence(Presence {
            room: room_id(),
            changes: Some(vec![PresenceChange { user: user(), on: true }]),
            count: 2,
        }),
        ServerFrame::Presence(Presence { room: room_id(), changes: None, count: 2_041 }),
        ServerFrame::Reconnect(Reconnect { after_ms: 2_835, reason: "restart".into() }),
        ServerFrame::Pong(Pong { re: re() }),
    ];
    frames.extend(answers().into_iter().map(|answer| ServerFrame::Ok(OkFrame { re: re(), answer })));
    frames.extend(events().into_iter().map(ServerFrame::Event));
    frames.extend(notices().into_iter().map(ServerFrame::Notice));
    frames.iter().map(written).collect()
}

fn answers() -> [crate::Answer<'static>; 6] {
    use crate::Answer;
    [
        Answer::History(HistoryPage { room: room_id(), events: events().into_iter().rev().collect() }),
        Answer::Read(ReadAnswer { room: room_id(), read: Seq::new(3), unread: 0 }),
        Answer::Presence(PresenceAnswer { room: room_id(), count: 1, users: Some(vec![user()]) }),
        Answer::Presence(PresenceAnswer { room: room_id(), count: 2_041, users: None }),
        Answer::Renewed(Renewed { expires_at: at() }),
        Answer::Done {},
    ]
}

fn subscribed() -> Subscribed<'static> {
    Subscribed {
        re: re(),
        rooms: vec![
            SubscribedRoom::Open {
                room: room_id(),
                slug: Some("courtyard".into()),
                epoch: epoch(),
                head: Seq::new(4),
                from: Seq::START,
                complete: true,
                members: 2,
                role: Role::Moderator,
                read: Seq::new(3),
            },
            SubscribedRoom::Failed {
                room: "nowhere".into(),
                error: RoomError { code: Code::NotFound, message: "there is no such room".into() },
            },
        ],
    }
}

fn events() -> [Event<'static>; 6] {
    let (user, by) = (mina(), mina());
    let properties =
        Properties { name: "Courtyard at noon".into(), slug: Some("courtyard".into()), deleted: false, by };
    let bodies = [
        EventBody::Joined { joined: Joined { user: self::user(), role: Role::Owner, by } },
        EventBody::Room { properties },
        EventBody::Message { message: message() },
        EventBody::Role { role: RoleChange { user, role: Role::Moderator, by } },
        EventBody::Left { left: Left { user, by } },
        EventBody::Unknown,
    ];
    let mut seq = Seq::START;
    bodies.map(|body| {
        seq = seq.next();
        Event { room: room_id(), seq, at: at(), body }
    })
}

fn notices() -> [Notice<'static>; 4] {
    let mention = Mention { room: room_id(), message: "3".into(), seq: Seq::new(3), sender: user() };
    let bodies = [
        NoticeBody::Mention(mention),
        NoticeBody::Invite(Invite { room: room_id(), name: "Courtyard".into(), by: user() }),
        NoticeBody::Custom(CustomData(r#"{"kind":"order","no":7}"#.into())),
        NoticeBody::Unknown,
    ];
    let mut seq = Seq::START;
    bodies.map(|body| {
        seq = seq.next();
        Notice { seq, at: at(), body }
    })
}

fn user() -> User<'static> {
    User { id: mina(), name: "Mina".into(), avatar_url: None }
}

fn account() -> Account<'static> {
    let user = User { avatar_url: Some("https://example.com/mina.png".into()), ..user() };
    Account { user, username: "mina".into() }
}

fn member() -> Member<'static> {
    Member { user: account(), role: Role::Owner, joined_at: at(), read: Seq::new(3) }
}

fn message() -> Message<'static> {
    Message {
        id: "3".into(),
        sender: user(),
        text: "안녕하세요".into(),
        key: "k1".into(),
        reply_to: Some("2".into()),
        mentions: vec![parsed(JOON)],
        attachments: vec![attachment()],
    }
}

fn room_message() -> RoomMessage<'static> {
    RoomMessage { room: room_id(), seq: Seq::new(3), at: at(), message: message() }
}

fn room() -> Room<'static> {
    Room {
        id: room_id(),
        name: Cow::Borrowed("Courtyard"),
        kind: RoomKind::Public,
        slug: Some("courtyard".into()),
        created_at: at(),
        head: Seq::new(3),
        members: 2,
        role: Some(Role::Member),
        read: Some(Seq::new(3)),
        unread: Some(0),
        last_message: Some(room_message()),
    }
}

fn attachment() -> Attachment {
    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    Attachment {
        url: parsed::<AttachmentUrl>("https://files.example.com/1"),
        name: parsed::<FileName>("회의록.docx"),
        content_type: parsed::<MediaType>(WORD),
        size_bytes: 18_204,
    }
}

fn page<T>(item: T) -> Page<T> {
    Page { items: vec![item], next_cursor: None }
}

fn mina() -> UserId {
    parsed(MINA)
}

fn room_id() -> RoomId {
    parsed(ROOM)
}

fn session() -> SessionId {
    parsed(SESSION)
}

fn epoch() -> Epoch {
    Epoch::new(0x2413_9c12)
}

fn at() -> Timestamp {
    Timestamp::from_micros(1_795_335_768_917_000)
}

#[expect(clippy::unnecessary_wraps, reason = "a frame's `re` is optional")]
fn re() -> Option<RequestId> {
    Some(RequestId::new("4"))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| unreachable!("the example {text}: {error:?}"))
}

fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value)
        .unwrap_or_else(|error| unreachable!("an example that cannot be written: {error}"))
}

/// An example of a request, which its type can read.
fn read<T: DeserializeOwned>(example: Value) -> Value {
    if let Err(error) = T::deserialize(&example) {
        unreachable!("the example {example}: {error}");
    }
    example
}
