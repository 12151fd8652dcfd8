//! Examples for the documents. The types themselves serialize the examples of answers and parse those of requests, and
//! the linters check both against the schemas. So an example is wrong only if a schema is.

use std::borrow::Cow;

use madang_domain::{
    AddedBy, Code, Limit, MessageId, NotificationLevel, Receipts, ReportStatus, Role, RoomKind, Seq,
    SessionId,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Account, Ack, CaughtUp, ClientFrame, Delivered, ErrorFrame, Event, Flags, Hello, HistoryPage, Inbox,
    InboxRead, Limits, Mark, MentionedHere, Message, Notice, OkFrame, Person, Pong, Presence, PresenceAnswer,
    PresenceChange, Profile, Read, ReadAnswer, Reconnect, Renewed, Request, RequestId, RoomError,
    RoomMessage, RoomSettings, ServerFrame, Settings, SiteUser, Status, StatusChanged, Subscribed,
    SubscribedRoom, Thread, ThreadRead, Typing, User, UserSettings,
    rest::{
        AuditEntry, AuthSession, BannedUser, BlockedUser, Bounds, CallerLimit, CallerLimits, EditMessage,
        Export, ExportLine, FieldProblem, FollowedThread, FoundMessage, InboxPage, InboxStanding, Invitation,
        JwkSet, LimitOf, LimitRate, LimitUnit, Login, MarkRead, Member, MessagesPage, NewInvitation,
        NewReport, NewRoom, NewSiteRoom, Page, PasswordChange, Problem, ProfileChanges, PutMember,
        PutSiteMember, ReadMark, Reads, RefreshToken, Register, Report, ReportChange, Restriction, Revision,
        Room, RoomChanges, RoomSettingsChanges, SearchPage, SendAs, SendMessage, SentMessage, SentNotice,
        SetStatus, SiteRoom, SiteUserChanges, StatusChange, Sync, SyncCursor, SyncedRoom, TextRange,
        ThreadPage, ThreadPlace, Ticket, Tokens, UserSettingsChanges, WordList,
    },
    samples::{FILE, JOON, at, attachment, epoch, link, message, mina, parsed, room_id, thread, user},
};

const SESSION: &str = "01a2024d-95d7-7ac3-8afb-e3a86cee2d1a";

/// The example of the definition to which a reference points.
pub(super) fn of_reference(reference: &str) -> Option<Value> {
    let name = reference.strip_prefix("#/components/schemas/")?;
    request(name).or_else(|| answer(name))
}

/// The example of a refusal.
pub(super) fn problem(code: Code) -> Value {
    written(&Problem {
        kind: "about:blank".into(),
        title: Problem::title_of(code).into(),
        status: code.http_status(),
        detail: detail(code).into(),
        code,
        errors: Vec::from_iter((code == Code::InvalidArgument).then(|| FieldProblem {
            pointer: "/name".into(),
            detail: "must have a visible character".into(),
        })),
        limit: (code == Code::RateLimited).then(|| Limit::UserSends.as_str().into()),
        retry_after_ms: matches!(code, Code::RateLimited | Code::Unavailable).then_some(1_000),
    })
}

/// The `detail` of the example of a refusal.
const fn detail(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "name must have a visible character",
        Code::Unauthenticated => "no access token",
        Code::PermissionDenied => "only an owner may do this",
        Code::NotFound => "there is no such room",
        Code::AlreadyExists => "the slug is taken",
        Code::FailedPrecondition => "the room needs another owner first",
        Code::RateLimited => Limit::UserSends.message(),
        Code::TooLarge => "the body is larger than 128 KiB",
        Code::DeadlineExceeded => "the request was not completed in time: repeat it with the same key",
        Code::Unavailable => "the message store does not answer",
        Code::Internal => "a defect of the server; it has been logged",
    }
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
        "RoomChanges" => {
            read::<RoomChanges>(json!({"name": "Courtyard at noon", "slug": null, "slow_mode_s": 10}))
        }
        "Restriction" => read::<Restriction>(json!({"reason": "spam", "until": "2026-11-23T08:09:28.917Z"})),
        "NewInvitation" => {
            read::<NewInvitation>(json!({"expires_at": "2026-11-23T08:09:28.917Z", "uses": 10}))
        }
        "UserSettingsChanges" => read::<UserSettingsChanges>(
            json!({"added_by": "nobody", "do_not_disturb_until": "2026-11-23T08:09:28.917Z"}),
        ),
        "StatusChange" => {
            read::<StatusChange>(json!({"text": "at lunch", "until": "2026-11-23T08:09:28.917Z"}))
        }
        "RoomSettingsChanges" => {
            read::<RoomSettingsChanges>(json!({"notify": "mentions", "muted_until": null}))
        }
        "PutMember" => read::<PutMember>(json!({"role": "moderator"})),
        "SendMessage" => read::<SendMessage>(
            json!({"text": "안녕하세요", "key": "k1", "reply_to": "2", "attachments": [{"file": FILE}, written(&link())], "thread": "2"}),
        ),
        "PasswordChange" => read::<PasswordChange>(
            json!({"current_password": "correct horse battery", "new_password": "staple of another colour"}),
        ),
        "NewReport" => read::<NewReport>(json!({"reason": "spam"})),
        "ReportChange" => read::<ReportChange>(json!({"status": "resolved"})),
        "WordList" => read::<WordList>(json!({"words": ["casino"], "action": "flag"})),
        "EditMessage" => read::<EditMessage>(json!({"text": "안녕하세요!"})),
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
        "Attachment" => written(&attachment()),
        "Account" => written(&account()),
        "Export" => {
            written(&Export { id: "01a2024d-95a6-763a-b28c-5f0939d5c635".to_owned(), expires_at: at() })
        }
        "ExportLine" => written(&ExportLine::Message { message: room_message() }),
        "Report" => written(&report()),
        "ReportPage" => written(&page(report())),
        "AuditEntryPage" => written(&page(AuditEntry {
            seq: Seq::new(1),
            at: at(),
            action: "banned".into(),
            actor: account(),
            by_site: false,
            user: Some(account()),
            message: None,
            role: None,
            until: Some(at()),
            reason: Some("spam".into()),
        })),
        "Room" => written(&room()),
        "RoomPage" => written(&page(room())),
        "Member" => written(&member()),
        "MemberPage" => written(&page(member())),
        "RoomMessagePage" => written(&page(room_message())),
        "MessagesPage" => {
            written(&MessagesPage { items: vec![room_message()], next_cursor: None, more: false })
        }
        "RoomMessage" => written(&room_message()),
        "RevisionPage" => {
            written(&page(Revision { revision: 0, text: "안녕하세요".to_owned(), at: at() }))
        }
        "SearchPage" => {
            let ranges = vec![TextRange { start: 0, end: 2 }];
            let found = FoundMessage { message: room_message(), ranges };
            written(&SearchPage { items: vec![found], next_cursor: None, complete: true })
        }
        "ThreadPage" => written(&ThreadPage {
            root: room_message(),
            place: thread_place(),
            items: vec![in_thread()],
            next_cursor: None,
            more: false,
        }),
        "ThreadPlace" => written(&thread_place()),
        "FollowedThreadPage" => {
            written(&page(FollowedThread { root: room_message(), place: thread_place() }))
        }
        "SentMessage" => written(&SentMessage {
            room: room_id(),
            id: "3".to_owned(),
            seq: Seq::new(3),
            at: at(),
            duplicate: false,
        }),
        "BlockedUserPage" => written(&page(BlockedUser { user: account(), at: at() })),
        "BannedUserPage" => written(&page(BannedUser {
            user: account(),
            by: parsed(JOON),
            at: at(),
            until: None,
            reason: Some("spam".into()),
        })),
        "Invitation" => written(&invitation(Some("5f0939d5c63401a2024d95a6763ab28c5f0939d5"))),
        "InvitationPage" => written(&page(invitation(None))),
        "UserSettings" => written(&user_settings()),
        "Person" => written(&person()),
        "SetStatus" => written(&SetStatus { status: Some(status()) }),
        "RoomSettings" => written(&room_settings()),
        "Reads" => written(&Reads {
            room: room_id(),
            receipts: Receipts::Names,
            members: 3,
            from: Seq::START,
            marks: marks(),
            delivered: Some(marks()),
        }),
        "Sync" => written(&Sync {
            inbox: InboxStanding { cursor: cursor(), read: Seq::START, unread: 2 },
            settings: user_settings(),
            rooms: vec![SyncedRoom { room: room(), cursor: cursor(), mentions: 1 }],
            blocked: vec![BlockedUser { user: account(), at: at() }],
            next_cursor: None,
        }),
        "CallerLimits" => written(&CallerLimits {
            limits: vec![CallerLimit {
                limit: Limit::UserSends.as_str().into(),
                of: LimitOf::User,
                unit: LimitUnit::Messages,
                rate: Some(LimitRate { count: 20, seconds: 1 }),
                burst: 40,
                left: Some(38.75),
            }],
            bounds: bounds(),
        }),
        "ReadMark" => written(&ReadMark { room: None, read: Seq::new(3), unread: 0 }),
        "InboxPage" => written(&InboxPage {
            more: false,
            items: Notice::examples(),
            next_cursor: None,
            epoch: epoch(),
            head: Seq::new(7),
            read: Seq::START,
            unread: 7,
        }),
        "SiteUser" => written(&SiteUser { account: account(), external_id: Some("41".into()) }),
        "SentNotice" => written(&SentNotice { seq: Seq::new(3), at: at() }),
        "SiteRoomPage" => written(&page(SiteRoom { room: room(), external_id: Some("7".into()) })),
        "SiteRoom" => written(&SiteRoom { room: room(), external_id: None }),
        _ => return None,
    })
}

/// Examples of the frames that a client sends.
pub(super) fn requests() -> Vec<Value> {
    let examples = ClientFrame::examples();
    for frame in &examples {
        let parsed = Request::parse(&frame.to_string());
        assert!(parsed.is_ok(), "{frame}: {parsed:?}");
    }
    examples
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
            message: Limit::UserSends.message().into(),
            limit: Some(Limit::UserSends.as_str().into()),
            retry_after_ms: Some(33),
        }),
        ServerFrame::Error(ErrorFrame {
            re: None,
            code: Code::InvalidArgument,
            message: "not a JSON object".into(),
            limit: None,
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
        ServerFrame::Read(Read::own(room_id(), mina(), Seq::new(3))),
        ServerFrame::Read(Read::of_members(room_id(), 3, Seq::START, marks())),
        ServerFrame::Delivered(Delivered { room: room_id(), marks: marks() }),
        ServerFrame::InboxRead(InboxRead { read: Seq::new(3), unread: 1 }),
        ServerFrame::ThreadRead(ThreadRead {
            room: room_id(),
            thread: MessageId::new(Seq::new(3)),
            following: true,
            read: Seq::new(5),
            unread: 0,
        }),
        ServerFrame::Status(StatusChanged { user: mina(), status: Some(status()) }),
        ServerFrame::Settings(Settings { user: Some(user_settings()), room: None, settings: None }),
        ServerFrame::Settings(Settings {
            user: None,
            room: Some(room_id()),
            settings: Some(room_settings()),
        }),
        ServerFrame::MentionedHere(MentionedHere {
            room: room_id(),
            message: parsed("3"),
            seq: Seq::new(3),
            sender: user(),
        }),
        ServerFrame::Typing(Typing {
            room: room_id(),
            user: mina(),
            name: "Mina".into(),
            on: true,
            expires_ms: Some(6_000),
            thread: None,
        }),
        ServerFrame::Typing(Typing {
            room: room_id(),
            user: mina(),
            name: "Mina".into(),
            on: false,
            expires_ms: None,
            thread: Some(MessageId::new(Seq::new(3))),
        }),
        ServerFrame::Presence(Presence {
            room: room_id(),
            changes: Some(vec![PresenceChange { user: user(), on: true }]),
            count: 2,
        }),
        ServerFrame::Presence(Presence { room: room_id(), changes: None, count: 2_041 }),
        ServerFrame::Profile(Profile { user: account() }),
        ServerFrame::Reconnect(Reconnect { after_ms: 2_835, reason: "restart".into() }),
        ServerFrame::Pong(Pong { re: re() }),
    ];
    frames.extend(answers().into_iter().map(|answer| ServerFrame::Ok(OkFrame { re: re(), answer })));
    frames.extend(Event::examples().into_iter().map(ServerFrame::Event));
    frames.extend(Notice::examples().into_iter().map(ServerFrame::Notice));
    frames.iter().map(written).collect()
}

fn answers() -> [crate::Answer<'static>; 6] {
    use crate::Answer;
    [
        Answer::History(HistoryPage {
            room: room_id(),
            events: Event::examples().into_iter().rev().collect(),
            more: false,
        }),
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
                error: RoomError {
                    code: Code::NotFound,
                    message: "there is no such room".into(),
                    limit: None,
                    retry_after_ms: None,
                },
            },
        ],
        left_out: None,
    }
}

fn account() -> Account<'static> {
    let user = User { avatar_url: Some("https://example.com/mina.png".into()), ..user() };
    Account { user, username: "mina".into() }
}

fn report() -> Report<'static> {
    Report {
        id: "01a2024d-95a6-763a-b28c-5f0939d5c636".into(),
        room: room_id(),
        message: parsed("3"),
        sender: user(),
        reporter: Some(user()),
        reason: Some("spam".into()),
        at: at(),
        status: ReportStatus::Open,
        settled_by: None,
        settled_at: None,
    }
}

fn member() -> Member<'static> {
    Member {
        user: account(),
        role: Role::Owner,
        joined_at: at(),
        read: Seq::new(3),
        invited: false,
        muted_until: None,
        status: None,
        last_seen: None,
    }
}

fn status() -> Status {
    Status { text: parsed("at lunch"), until: Some(at()) }
}

fn person() -> Person<'static> {
    Person { account: account(), status: Some(status()), last_seen: Some(at()) }
}

fn bounds() -> Bounds {
    Bounds {
        frame_bytes: 65_536,
        text_chars: 4_000,
        attachments: 10,
        file_bytes: Some(26_214_400),
        subscribe_rooms: 100,
        socket_rooms: 1_000,
        replay_events: 500,
        queued_bytes: 262_144,
        page_items: 200,
        new_room_members: 100,
        blocked_users: 1_000,
    }
}

fn user_settings() -> UserSettings {
    UserSettings {
        added_by: AddedBy::Shared,
        do_not_disturb_until: None,
        presence: true,
        last_seen: true,
        typing: true,
    }
}

fn room_settings() -> RoomSettings {
    RoomSettings { notify: NotificationLevel::Mentions, muted_until: Some(at()) }
}

fn cursor() -> SyncCursor {
    SyncCursor { seq: Seq::new(3), epoch: epoch() }
}

fn marks() -> Vec<Mark> {
    vec![
        Mark { seq: Seq::new(2), members: 2, users: Vec::new() },
        Mark { seq: Seq::new(3), members: 1, users: vec![mina()] },
    ]
}

fn invitation(code: Option<&str>) -> Invitation<'static> {
    Invitation {
        id: "01a2024d-95a6-763a-b28c-5f0939d5c635".to_owned(),
        code: code.map(str::to_owned),
        by: user(),
        created_at: at(),
        expires_at: at(),
        uses: Some(10),
        used: 0,
    }
}

fn room_message() -> RoomMessage<'static> {
    RoomMessage { room: room_id(), seq: Seq::new(3), at: at(), message: message() }
}

/// A message that stands in a thread.
fn in_thread() -> RoomMessage<'static> {
    let root = Some(MessageId::new(Seq::new(3)));
    let message = Message { id: "4".into(), thread: Some(Thread { root, ..thread() }), ..message() };
    RoomMessage { room: room_id(), seq: Seq::new(4), at: at(), message }
}

const fn thread_place() -> ThreadPlace {
    ThreadPlace { following: true, read: Seq::new(3), unread: 1 }
}

fn room() -> Room<'static> {
    Room {
        id: room_id(),
        name: Cow::Borrowed("Courtyard"),
        unnamed: false,
        kind: RoomKind::Public,
        slug: Some("courtyard".into()),
        created_at: at(),
        head: Seq::new(3),
        members: 2,
        topic: Some("What to cook at noon".into()),
        avatar_url: None,
        flags: Flags::default(),
        role: Some(Role::Member),
        read: Some(Seq::new(3)),
        unread: Some(0),
        settings: Some(RoomSettings::default()),
        last_message: Some(room_message()),
    }
}

fn page<T>(item: T) -> Page<T> {
    Page { items: vec![item], next_cursor: None }
}

fn session() -> SessionId {
    parsed(SESSION)
}

#[expect(clippy::unnecessary_wraps, reason = "a frame's `re` is optional")]
fn re() -> Option<RequestId> {
    Some(RequestId::new("4"))
}

fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value)
        .unwrap_or_else(|error| unreachable!("an example that cannot be written: {error}"))
}

/// Checks that the type can parse the example of a request.
fn read<T: DeserializeOwned>(example: Value) -> Value {
    if let Err(error) = T::deserialize(&example) {
        unreachable!("the example {example}: {error}");
    }
    example
}
