//! Services that write down how they are called and answer as they are told. They are doubles, so a method is scripted
//! where it shows more than those that are; how its messages are made is tested beside them.

mod auth;

use std::{
    fmt::Debug,
    mem,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use madang_domain::{
    AddedBy, Attachment, AvatarUrl, Code, DisplayName, Epoch, Error, ExternalId, FileId, FileName,
    IdempotencyKey, Image, ListedWord, MediaType, MentionAll, Metadata, NotificationLevel, Profile, Reason,
    Receipts, ReportStatus, Result, Role, RoomDetails, RoomFlags, RoomHistory, RoomId, RoomName, RoomRef,
    RoomTopic, Seq, SessionId, Slug, StatusText, Timestamp, TopicId, UserId, Username, WordAction,
    event::{
        Custom, Deleted, Dismissed, Edited, Event, EventBody, Excerpt, InThread, Invite, Joined, Left,
        Mention, Message, MessageChanges, Pinned, Reacted, Reply, Restricted, RoleChanged, RoomChanged,
        ThreadChange, ThreadState,
    },
};
use madang_rpc::{
    around::Double,
    store::{
        AbandonUpload, AcceptInvitation, Append, AppendInThread, Appended, AuditEntry, Authority, BannedUser,
        BeginExport, BeginUpload, Block, BlockedUser, Changed, ChangedBlocks, CreateRoom, DeleteMessage,
        DeleteRoom, Dismiss, EditMessage, EraseUser, Erased, Export, ExportPage, FinishUpload, FollowThread,
        FollowedThread, ForgetFiles, FoundMessage, GetFile, GetHides, GetPeople, GetReads, GetRoom, GetSync,
        GetUserSettings, GetWords, Heads, History, HistoryFrom, Inbox, InboxMark, InboxPage, InboxStanding,
        Invitation, Join, Leave, ListAudit, ListBans, ListBlocked, ListInvitations, ListMembers, ListPins,
        ListRemovedFiles, ListReports, ListRevisions, ListRooms, ListThreadMessages, ListThreads, LogPage,
        MadeInvitation, MakeInvitation, Mark, MarkDelivered, MarkInboxRead, MarkRead, MarkThreadRead, Member,
        Membership, Mentioned, MessageStoreDouble, NoteSeen, Notify, Open, OpenInbox, Opened, OpenedInbox,
        Page, Person, PutMember, PutRoomSettings, PutStatus, PutUserSettings, PutWords, React, Read,
        ReadExport, ReadHides, ReadMark, RememberProfile, RememberedProfile, RemoveMember, Report,
        ReportMessage, Resolve, Resolved, Restrict, Revision, RevokeInvitation, Room, RoomKind, RoomReads,
        RoomSettings, RoomView, Search, SearchPage, SetForRoom, SetPin, SettleReport, Status, StatusRoom,
        Synced, SyncedRoom, TellFollowers, TellMembers, TextRange, ThreadPage, ThreadPlace, ToldMembers,
        ToldStatus, Unblock, UpdateRoom, UserBlocks, UserHides, UserSettings, WordList,
    },
};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Both services.
pub(crate) type Scripted = Double<Script>;

#[derive(Debug, Default)]
pub(crate) struct Script {
    calls: Mutex<Vec<String>>,
    refusal: Mutex<Option<Error>>,
    /// Each call of `keys`, `heads` and `join` says so here ...
    pub(crate) held: tokio::sync::Notify,
    /// ... and waits for leave here, where there is a gate.
    pub(crate) gate: Option<Semaphore>,
    /// Whether an append of the text `1` waits there, too.
    gates_appends: bool,
}

impl Script {
    pub(crate) fn gated() -> Scripted {
        Double(Self { gate: Some(Semaphore::new(0)), ..Self::default() })
    }

    /// The append of the text `1` says so and waits for leave, too.
    pub(crate) fn gated_appends() -> Scripted {
        Double(Self { gate: Some(Semaphore::new(0)), gates_appends: true, ..Self::default() })
    }

    /// From now on all calls are refused so.
    pub(crate) fn refuse(&self, error: Option<Error>) {
        *self.refusal.lock().unwrap() = error;
    }

    /// The calls since it was last asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        mem::take(&mut self.calls.lock().unwrap())
    }

    fn called(&self, method: &str, arguments: &impl Debug) -> Result<()> {
        self.calls.lock().unwrap().push(format!("{method}{arguments:?}"));
        match &*self.refusal.lock().unwrap() {
            Some(error) => Err(error.clone().caused_by("a secret")),
            None => Ok(()),
        }
    }

    async fn pass(&self) {
        if let Some(gate) = &self.gate {
            self.held.notify_one();
            gate.acquire().await.unwrap().forget();
        }
    }
}

pub(crate) fn user_id(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

pub(crate) fn room_id(n: u128) -> RoomId {
    RoomId::new(Uuid::from_u128(n))
}

pub(crate) fn session_id(n: u128) -> SessionId {
    SessionId::new(Uuid::from_u128(n))
}

pub(crate) fn profile(n: u128) -> Arc<Profile> {
    Arc::new(Profile {
        id: user_id(n),
        username: Username::new(format!("user{n}")).unwrap(),
        name: DisplayName::new(format!("사용자 {n}")).unwrap(),
        avatar_url: (n % 2 == 1).then(|| AvatarUrl::new("https://example.org/a.png").unwrap()),
        external_id: (n % 3 == 1).then(|| ExternalId::new("7").unwrap()),
        version: Timestamp::from_micros(-1),
    })
}

pub(crate) fn message(text: &str) -> Message {
    Message {
        text: text.to_owned(),
        key: IdempotencyKey::new("k-1").unwrap(),
        reply_to: Some(Seq::new(3)),
        attachments: Vec::new(),
        mentions: Vec::new(),
        mentions_all: (text.len() > 4).then_some(MentionAll::All),
        metadata: (text.len() > 4).then(|| Box::new(Metadata::new(r#"{"no": 7}"#).unwrap())),
        excerpt: None,
        changes: None,
        thread: None,
    }
}

fn thread_state() -> ThreadState {
    ThreadState { replies: 3, last_at: Some(Timestamp::from_micros(-7)), by: vec![user_id(2), user_id(1)] }
}

/// A message that stands in a thread.
pub(crate) fn in_thread(text: &str) -> Message {
    let thread = InThread { root: Seq::new(2), in_room: text.len() > 2, state: thread_state() };
    Message { thread: Some(Box::new(thread)), ..message(text) }
}

/// A message that is the root of a thread.
fn root() -> Event {
    let changes = MessageChanges { thread: Some(thread_state()), ..MessageChanges::default() };
    event(2, EventBody::Message(Message { changes: Some(Box::new(changes)), ..message("뿌리") }))
}

const fn place() -> ThreadPlace {
    ThreadPlace { following: true, read: Seq::new(4), unread: 2 }
}

fn reply() -> EventBody {
    EventBody::Reply(Reply { room: room_id(7), seq: Seq::new(9), thread: Seq::new(2) })
}

pub(crate) fn append(room: u128, text: &str) -> Append {
    Append { authority: Authority::User, room: room_id(room), actor: profile(1), message: message(text) }
}

pub(crate) fn file_id(n: u128) -> FileId {
    FileId::new(Uuid::from_u128(n))
}

/// An uploaded picture.
pub(crate) fn file() -> Attachment {
    Attachment {
        name: FileName::new("마당.png").unwrap(),
        content_type: MediaType::new("image/png").unwrap(),
        size_bytes: u64::MAX,
        image: Some(Image { width: u32::MAX, height: 1, placeholder: "L00".to_owned() }),
        ..Attachment::of_file(file_id(7)).unwrap()
    }
}

fn event(seq: u64, body: EventBody) -> Event {
    Event {
        topic: room_id(7).into(),
        seq: Seq::new(seq),
        at: Timestamp::from_micros(1_700_000_000_123_456),
        actor: profile(u128::from(seq) / 2),
        subject: None,
        body,
    }
}

/// An event about a user.
fn about(user: u128, seq: u64, body: EventBody) -> Event {
    Event { subject: Some(profile(user)), ..event(seq, body) }
}

fn notice(notice: EventBody) -> Event {
    Event { topic: TopicId::Inbox(user_id(1)), ..event(9, notice) }
}

fn events() -> Vec<Event> {
    vec![
        event(4, EventBody::Message(message("안녕"))),
        about(2, 5, EventBody::Joined(Joined { role: Role::Moderator })),
        about(2, 6, EventBody::Left(Left {})),
    ]
}

fn view() -> RoomView {
    RoomView {
        room: Room {
            id: room_id(7),
            kind: RoomKind::Private,
            name: RoomName::new("마당").unwrap(),
            slug: Some(Slug::new("madang").unwrap()),
            external_id: Some(ExternalId::new("room 7").unwrap()),
            created_at: Timestamp::from_micros(12),
            head: Seq::new(u64::MAX),
            member_count: 3,
            flags: RoomFlags {
                announcement: true,
                archived: true,
                slow_mode_s: 5,
                history: RoomHistory::Joined,
                receipts: Receipts::Names,
                guests_send: true,
                members_add: true,
                members_pin: true,
                members_mention_all: true,
                edit_window_s: 9,
            },
            details: RoomDetails {
                topic: Some(RoomTopic::new("점심").unwrap()),
                avatar_url: Some(AvatarUrl::new("https://example.com/yard.png").unwrap()),
                unnamed: true,
            },
        },
        membership: Some(Membership {
            role: Role::Owner,
            read: Seq::new(2),
            unread: 9,
            settings: RoomSettings {
                notify: NotificationLevel::Mentions,
                muted_until: Some(Timestamp::from_micros(4)),
            },
        }),
        last_message: Some(event(9, EventBody::Message(message("끝")))),
    }
}

fn bare_view() -> RoomView {
    let room = Room { slug: None, external_id: None, kind: RoomKind::Direct, ..view().room };
    RoomView { room, membership: None, last_message: None }
}

fn member() -> Member {
    Member {
        user: profile(5),
        role: Role::Member,
        joined_at: Timestamp::from_micros(1),
        read: Seq::new(8),
        invited: true,
        muted_until: Some(Timestamp::from_micros(3)),
    }
}

fn invitation() -> Invitation {
    Invitation {
        id: "7".to_owned(),
        by: profile(5),
        created_at: Timestamp::from_micros(7),
        expires_at: Timestamp::from_micros(8),
        uses: Some(3),
        used: 2,
    }
}

#[async_trait]
impl MessageStoreDouble for Script {
    async fn create_room(&self, request: CreateRoom) -> Result<Changed<RoomView>> {
        self.called("create_room", &request)?;
        Ok(Changed { value: view(), events: events() })
    }

    async fn get_room(&self, request: GetRoom) -> Result<RoomView> {
        self.called("get_room", &request).map(|()| bare_view())
    }

    async fn list_rooms(&self, request: ListRooms) -> Result<Page<RoomView>> {
        self.called("list_rooms", &request)?;
        Ok(Page { items: vec![view(), bare_view()], next: request.page.cursor })
    }

    async fn update_room(&self, request: UpdateRoom) -> Result<Changed<RoomView>> {
        self.called("update_room", &request)?;
        Ok(Changed { value: view(), events: events() })
    }

    async fn delete_room(&self, request: DeleteRoom) -> Result<Changed<()>> {
        self.called("delete_room", &request)?;
        let changed = RoomChanged {
            name: RoomName::new("마당").unwrap(),
            slug: None,
            flags: RoomFlags::default(),
            details: RoomDetails::default(),
            deleted: true,
        };
        let body = EventBody::RoomChanged(changed);
        Ok(Changed { value: (), events: vec![event(10, body)] })
    }

    async fn join(&self, request: Join) -> Result<Changed<RoomView>> {
        self.called("join", &request)?;
        self.pass().await;
        Ok(Changed { value: view(), events: events() })
    }

    async fn leave(&self, request: Leave) -> Result<Changed<()>> {
        self.called("leave", &request)?;
        Ok(Changed { value: (), events: events() })
    }

    async fn list_members(&self, request: ListMembers) -> Result<Page<Member>> {
        self.called("list_members", &request)?;
        Ok(Page { items: vec![member()], next: request.page.cursor })
    }

    async fn edit_message(&self, request: EditMessage) -> Result<Changed<Event>> {
        self.called("edit_message", &request)?;
        let edited = Edited {
            message: request.message,
            revision: 1,
            text: Some(request.text.clone()),
            mentions: vec![user_id(2)],
            mentions_all: Some(MentionAll::All),
        };
        let changes = MessageChanges { edited_at: Some(Timestamp::from_micros(7)), ..Default::default() };
        let value = Message { changes: Some(Box::new(changes)), ..message(&request.text) };
        Ok(Changed {
            value: event(3, EventBody::Message(value)),
            events: vec![event(10, EventBody::Edited(edited))],
        })
    }

    async fn delete_message(&self, request: DeleteMessage) -> Result<Changed<()>> {
        self.called("delete_message", &request)?;
        let state =
            ThreadState { replies: 1, last_at: Some(Timestamp::from_micros(7)), by: vec![user_id(2)] };
        let thread = Some(ThreadChange { root: Seq::new(2), state });
        let body = EventBody::Deleted(Deleted { message: request.message, thread });
        Ok(Changed { value: (), events: vec![event(10, body)] })
    }

    async fn append_in_thread(&self, request: AppendInThread) -> Result<Changed<Appended>> {
        self.called("append_in_thread", &request)?;
        let value = Appended {
            seq: Seq::new(9),
            at: Timestamp::from_micros(55),
            duplicate: false,
            mentions: Vec::new(),
            excerpt: None,
            attachments: Vec::new(),
            mentions_all: Some(MentionAll::Here),
        };
        let said = EventBody::Message(request.0.message);
        Ok(Changed { value, events: vec![event(9, said), notice(reply())] })
    }

    async fn tell_followers(&self, request: TellFollowers) -> Result<Changed<bool>> {
        self.called("tell_followers", &request)?;
        Ok(Changed { value: request.message.get().is_multiple_of(2), events: vec![notice(reply())] })
    }

    async fn tell_members(&self, request: TellMembers) -> Result<ToldMembers> {
        self.called("tell_members", &request)?;
        let more = request.message.get().is_multiple_of(2);
        let (events, here) =
            if more { (vec![notice(reply())], Vec::new()) } else { (Vec::new(), vec![user_id(2)]) };
        Ok(ToldMembers { events, here, more })
    }

    async fn list_thread_messages(&self, request: ListThreadMessages) -> Result<ThreadPage> {
        self.called("list_thread_messages", &request)?;
        let more = request.from == HistoryFrom::End;
        let messages = vec![event(9, EventBody::Message(in_thread("답글")))];
        Ok(ThreadPage { root: root(), place: place(), messages, more })
    }

    async fn mark_thread_read(&self, request: MarkThreadRead) -> Result<ThreadPlace> {
        self.called("mark_thread_read", &request).map(|()| place())
    }

    async fn follow_thread(&self, request: FollowThread) -> Result<ThreadPlace> {
        self.called("follow_thread", &request)?;
        Ok(ThreadPlace { following: request.on, ..place() })
    }

    async fn list_threads(&self, request: ListThreads) -> Result<Page<FollowedThread>> {
        self.called("list_threads", &request)?;
        let followed = FollowedThread { root: root(), place: place() };
        Ok(Page { items: vec![followed], next: request.page.cursor })
    }

    async fn list_revisions(&self, request: ListRevisions) -> Result<Page<Revision>> {
        self.called("list_revisions", &request)?;
        let former = Revision { revision: 1, text: "처음".to_owned(), at: Timestamp::from_micros(7) };
        Ok(Page { items: vec![former], next: request.page.cursor })
    }

    async fn react(&self, request: React) -> Result<Changed<()>> {
        self.called("react", &request)?;
        let (message, emoji, on) = (request.message, request.emoji, request.on);
        let body = EventBody::Reacted(Reacted { message, emoji, on, count: 2 });
        Ok(Changed { value: (), events: vec![event(10, body)] })
    }

    async fn set_pin(&self, request: SetPin) -> Result<Changed<()>> {
        self.called("set_pin", &request)?;
        let body = EventBody::Pinned(Pinned { message: request.message, on: request.on });
        Ok(Changed { value: (), events: vec![event(10, body)] })
    }

    async fn list_pins(&self, request: ListPins) -> Result<Page<Event>> {
        self.called("list_pins", &request)?;
        let body = EventBody::Pinned(Pinned { message: Seq::new(3), on: true });
        Ok(Page { items: vec![event(10, body)], next: request.page.cursor })
    }

    async fn search(&self, request: Search) -> Result<SearchPage> {
        self.called("search", &request)?;
        let said = event(9, EventBody::Message(message("서울")));
        let found = FoundMessage { message: said, ranges: vec![TextRange { start: 2, end: 5 }] };
        Ok(SearchPage { items: vec![found], next: request.page.cursor, complete: true })
    }

    async fn put_member(&self, request: PutMember) -> Result<Changed<Member>> {
        self.called("put_member", &request)?;
        let body = EventBody::RoleChanged(RoleChanged { role: request.role });
        Ok(Changed { value: member(), events: vec![about(5, 11, body)] })
    }

    async fn remove_member(&self, request: RemoveMember) -> Result<Changed<()>> {
        self.called("remove_member", &request)?;
        Ok(Changed { value: (), events: events() })
    }

    async fn restrict(&self, request: Restrict) -> Result<Changed<()>> {
        self.called("restrict", &request)?;
        let restricted = Restricted { on: request.on, until: request.until };
        Ok(Changed { value: (), events: vec![about(5, 11, EventBody::Banned(restricted))] })
    }

    async fn list_bans(&self, request: ListBans) -> Result<Page<BannedUser>> {
        self.called("list_bans", &request)?;
        let banned = BannedUser {
            user: profile(5),
            by: user_id(1),
            at: Timestamp::from_micros(7),
            until: Some(Timestamp::from_micros(8)),
            reason: Some(Reason::new("스팸").unwrap()),
        };
        let endless = BannedUser { until: None, reason: None, ..banned.clone() };
        Ok(Page { items: vec![banned, endless], next: request.page.cursor })
    }

    async fn make_invitation(&self, request: MakeInvitation) -> Result<MadeInvitation> {
        self.called("make_invitation", &request)?;
        Ok(MadeInvitation { invitation: invitation(), code: "secret".to_owned() })
    }

    async fn list_invitations(&self, request: ListInvitations) -> Result<Vec<Invitation>> {
        self.called("list_invitations", &request)?;
        Ok(vec![invitation(), Invitation { uses: None, ..invitation() }])
    }

    async fn revoke_invitation(&self, request: RevokeInvitation) -> Result<()> {
        self.called("revoke_invitation", &request)
    }

    async fn accept_invitation(&self, request: AcceptInvitation) -> Result<Changed<RoomView>> {
        self.called("accept_invitation", &request)?;
        Ok(Changed { value: view(), events: events() })
    }

    /// The place is the number that the text says. A text that is none is refused.
    async fn append(&self, append: Append) -> Result<Appended> {
        self.called("append", &append)?;
        // Outcomes arrive in another order than the appends.
        let seq: u64 = append.message.text.parse().map_err(|_| {
            Error::new(Code::PermissionDenied, format!("{}에 쓸 수 없습니다", append.message.text))
        })?;
        if self.gates_appends && seq == 1 {
            self.pass().await;
        }
        for _ in 0..seq % 7 {
            tokio::task::yield_now().await;
        }
        assert_ne!(append.message.text, "500", "a defect of the service");
        let mentioned = |user| Mentioned {
            user: user_id(user),
            notice: Some((Seq::new(seq), Timestamp::from_micros(56))),
        };
        Ok(Appended {
            seq: Seq::new(seq),
            at: Timestamp::from_micros(55),
            duplicate: seq == 2,
            mentions: (0..u128::from(seq % 3)).map(mentioned).collect(),
            excerpt: (seq % 2 == 1).then(|| Excerpt { sender: profile(2), text: "처음".to_owned() }),
            attachments: if seq % 2 == 1 { vec![file()] } else { Vec::new() },
            mentions_all: (seq % 2 == 1).then_some(MentionAll::All),
        })
    }

    /// With a cursor, replays as many events as may be, of 64 KiB each.
    async fn open(&self, open: Open) -> Result<Opened> {
        self.called("open", &open)?;
        let text = "x".repeat(64 * 1024);
        let replayed = open.since.map_or(0, |_| open.replay_limit);
        Ok(Opened {
            epoch: Epoch::new(u32::MAX),
            head: Seq::new(40),
            member_count: 2,
            role: Role::Moderator,
            read: Seq::new(4),
            complete: true,
            events: (0..replayed).map(|n| event(n.into(), EventBody::Message(message(&text)))).collect(),
        })
    }

    async fn get_sync(&self, request: GetSync) -> Result<Synced> {
        self.called("get_sync", &request)?;
        Ok(Synced {
            epoch: Epoch::new(7),
            inbox: InboxStanding { head: Seq::new(9), read: Seq::new(4), unread: 3 },
            settings: UserSettings {
                added_by: AddedBy::Nobody,
                do_not_disturb_until: Some(Timestamp::from_micros(5)),
                hides_presence: true,
                hides_last_seen: false,
                hides_typing: true,
                version: Timestamp::from_micros(8),
            },
            rooms: vec![SyncedRoom { view: view(), mentions: 2 }],
            blocked: vec![BlockedUser { user: profile(5), at: Timestamp::from_micros(7) }],
            next: request.page.cursor,
        })
    }

    async fn begin_upload(&self, request: BeginUpload) -> Result<()> {
        self.called("begin_upload", &request)
    }

    async fn finish_upload(&self, request: FinishUpload) -> Result<Attachment> {
        self.called("finish_upload", &request)?;
        Ok(file())
    }

    async fn abandon_upload(&self, request: AbandonUpload) -> Result<()> {
        self.called("abandon_upload", &request)
    }

    async fn get_file(&self, request: GetFile) -> Result<Attachment> {
        self.called("get_file", &request)?;
        Ok(Attachment { image: None, ..file() })
    }

    async fn list_removed_files(&self, request: ListRemovedFiles) -> Result<Vec<FileId>> {
        self.called("list_removed_files", &request)?;
        Ok(vec![file_id(1), file_id(2)])
    }

    async fn forget_files(&self, request: ForgetFiles) -> Result<()> {
        self.called("forget_files", &request)
    }

    async fn resolve(&self, request: Resolve) -> Result<Resolved> {
        self.called("resolve", &request)?;
        let known = |room: &RoomRef| matches!(room, RoomRef::Id(_)).then(|| room_id(7));
        Ok(Resolved {
            rooms: request.rooms.iter().map(known).collect(),
            memberships: vec![room_id(8), room_id(9)],
            memberships_total: 3,
        })
    }

    async fn read(&self, request: Read) -> Result<Vec<Event>> {
        self.called("read", &request).map(|()| events())
    }

    async fn heads(&self, request: Heads) -> Result<Vec<(TopicId, Seq)>> {
        self.called("heads", &request)?;
        self.pass().await;
        Ok(request.topics.iter().map(|topic| (*topic, Seq::new(6))).collect())
    }

    async fn history(&self, request: History) -> Result<LogPage> {
        let more = request.query.from == HistoryFrom::End;
        self.called("history", &request).map(|()| LogPage { events: events(), more })
    }

    async fn mark_read(&self, request: MarkRead) -> Result<ReadMark> {
        self.called("mark_read", &request)?;
        Ok(ReadMark { room: room_id(7), read: request.seq, unread: 0, shown: true })
    }

    async fn mark_delivered(&self, request: MarkDelivered) -> Result<Vec<RoomId>> {
        self.called("mark_delivered", &request)?;
        Ok(request.marks.iter().map(|mark| mark.room).collect())
    }

    async fn get_reads(&self, request: GetReads) -> Result<RoomReads> {
        self.called("get_reads", &request)?;
        let mark = |seq, users: Vec<UserId>| Mark { seq: Seq::new(seq), members: 2, users };
        let receipts = if request.user.is_some() { Receipts::Names } else { Receipts::None };
        Ok(RoomReads {
            room: room_id(7),
            receipts,
            members: 4,
            from: Seq::new(2),
            reads: vec![mark(2, Vec::new()), mark(9, vec![user_id(1), user_id(2)])],
            delivered: vec![mark(9, Vec::new())],
        })
    }

    async fn notify(&self, request: Notify) -> Result<Changed<Event>> {
        self.called("notify", &request)?;
        let Notify { data, key, .. } = request;
        let value = notice(EventBody::Custom(Custom::new(&data).unwrap()));
        // What has a key was there before.
        let events = if key.is_some() { Vec::new() } else { vec![value.clone()] };
        Ok(Changed { value, events })
    }

    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox> {
        self.called("open_inbox", &open)?;
        let replayed = open.since.map_or(0, |_| open.replay_limit);
        Ok(OpenedInbox {
            epoch: Epoch::new(u32::MAX),
            head: Seq::new(40),
            read: Seq::new(4),
            unread: 36,
            complete: true,
            events: (0..replayed)
                .map(|_| notice(EventBody::Mention(Mention { room: room_id(7), seq: Seq::new(3) })))
                .collect(),
            user: open.since.map(|_| profile(1)),
            hides_presence: open.since.is_some(),
            hides_typing: open.since.is_none(),
            blocked: open.since.map(|_| user_id(2)).into_iter().collect(),
            hides_version: Timestamp::from_micros(8),
            blocks_version: Timestamp::from_micros(9),
        })
    }

    async fn inbox(&self, request: Inbox) -> Result<InboxPage> {
        self.called("inbox", &request)?;
        let invite = Invite { room: room_id(7), name: RoomName::new("마당").unwrap(), pending: true };
        let (head, read) = (Seq::new(9), Seq::new(8));
        Ok(InboxPage {
            more: request.from == HistoryFrom::End,
            epoch: Epoch::new(1),
            events: vec![notice(EventBody::Invite(invite))],
            head,
            read,
            unread: 1,
        })
    }

    async fn get_user_settings(&self, request: GetUserSettings) -> Result<UserSettings> {
        self.called("get_user_settings", &request)?;
        Ok(UserSettings {
            added_by: AddedBy::Shared,
            do_not_disturb_until: None,
            hides_presence: false,
            hides_last_seen: true,
            hides_typing: false,
            version: Timestamp::from_micros(8),
        })
    }

    async fn put_user_settings(&self, request: PutUserSettings) -> Result<UserSettings> {
        self.called("put_user_settings", &request)?;
        let added_by = request.added_by.unwrap_or(AddedBy::Anyone);
        Ok(UserSettings {
            added_by,
            do_not_disturb_until: request.do_not_disturb_until.flatten(),
            hides_presence: request.hides_presence.unwrap_or(true),
            hides_last_seen: request.hides_last_seen.unwrap_or(false),
            hides_typing: request.hides_typing.unwrap_or(true),
            version: Timestamp::from_micros(8),
        })
    }

    async fn put_room_settings(&self, request: PutRoomSettings) -> Result<SetForRoom> {
        self.called("put_room_settings", &request)?;
        let notify = request.notify.unwrap_or_default();
        let settings = RoomSettings { notify, muted_until: request.muted_until.flatten() };
        Ok(SetForRoom { room: room_id(7), settings, version: Timestamp::from_micros(9) })
    }

    async fn dismiss(&self, request: Dismiss) -> Result<Changed<()>> {
        self.called("dismiss", &request)?;
        let dismissed = EventBody::Dismissed(Dismissed { notice: request.seq });
        Ok(Changed { value: (), events: vec![notice(dismissed)] })
    }

    async fn block(&self, request: Block) -> Result<ChangedBlocks> {
        self.called("block", &request)?;
        Ok(ChangedBlocks { version: Timestamp::from_micros(11) })
    }

    async fn unblock(&self, request: Unblock) -> Result<ChangedBlocks> {
        self.called("unblock", &request)?;
        Ok(ChangedBlocks { version: Timestamp::from_micros(12) })
    }

    async fn list_blocked(&self, request: ListBlocked) -> Result<Page<BlockedUser>> {
        self.called("list_blocked", &request)?;
        let blocked = BlockedUser { user: profile(5), at: Timestamp::from_micros(7) };
        Ok(Page { items: vec![blocked], next: request.page.cursor })
    }

    async fn mark_inbox_read(&self, request: MarkInboxRead) -> Result<InboxMark> {
        self.called("mark_inbox_read", &request)?;
        Ok(InboxMark { read: request.seq, unread: 2 })
    }

    async fn remember_profile(&self, request: RememberProfile) -> Result<RememberedProfile> {
        self.called("remember_profile", &request)?;
        Ok(RememberedProfile { user: request.user, rooms: vec![room_id(7), room_id(8)] })
    }

    async fn put_status(&self, request: PutStatus) -> Result<ToldStatus> {
        self.called("put_status", &request)?;
        let rooms = vec![
            StatusRoom { room: room_id(7), but_for: vec![user_id(5), user_id(6)] },
            StatusRoom { room: room_id(8), but_for: Vec::new() },
        ];
        Ok(ToldStatus { version: Timestamp::from_micros(9), rooms })
    }

    async fn get_people(&self, request: GetPeople) -> Result<Vec<Person>> {
        self.called("get_people", &request)?;
        let status = |until| Status { text: StatusText::new("점심").unwrap(), until };
        Ok(vec![
            Person { user: user_id(5), status: Some(status(None)), last_seen: None },
            Person {
                user: user_id(6),
                status: Some(status(Some(Timestamp::from_micros(7)))),
                last_seen: Some(Timestamp::from_micros(8)),
            },
        ])
    }

    async fn note_seen(&self, request: NoteSeen) -> Result<()> {
        self.called("note_seen", &request)
    }

    async fn get_hides(&self, request: GetHides) -> Result<ReadHides> {
        self.called("get_hides", &request)?;
        let hides = |user, presence| {
            let version = Timestamp::from_micros(7);
            UserHides { user, presence, typing: !presence, version }
        };
        let blocks = |user| {
            let blocked = if user == user_id(5) { vec![user_id(6), user_id(7)] } else { Vec::new() };
            UserBlocks { user, blocked, version: Timestamp::from_micros(13) }
        };
        Ok(ReadHides {
            blocks: request.users.iter().copied().map(blocks).collect(),
            hides: request
                .users
                .into_iter()
                .zip([true, false])
                .map(|(user, presence)| hides(user, presence))
                .collect(),
        })
    }

    async fn erase_user(&self, request: EraseUser) -> Result<Changed<Erased>> {
        self.called("erase_user", &request)?;
        let told = RememberedProfile { user: profile(4), rooms: vec![room_id(7)] };
        let done = request.user == user_id(1);
        let value = Erased { done, told: (!done).then_some(told) };
        Ok(Changed { value, events: events() })
    }

    async fn begin_export(&self, request: BeginExport) -> Result<Export> {
        self.called("begin_export", &request)?;
        Ok(Export { id: "of mina".into(), expires_at: Timestamp::from_micros(7) })
    }

    async fn read_export(&self, request: ReadExport) -> Result<ExportPage> {
        self.called("read_export", &request)?;
        let messages = vec![event(9, EventBody::Message(message("내 말")))];
        Ok(ExportPage { rooms: vec![view()], messages, notices: vec![notice(reply())], next: request.cursor })
    }

    async fn report_message(&self, request: ReportMessage) -> Result<Report> {
        self.called("report_message", &request)?;
        Ok(Report { reason: request.reason, ..report() })
    }

    async fn list_reports(&self, request: ListReports) -> Result<Page<Report>> {
        self.called("list_reports", &request)?;
        let by_words =
            Report { reporter: None, status: request.status, settled_by: None, settled_at: None, ..report() };
        Ok(Page { items: vec![report(), by_words], next: request.page.cursor })
    }

    async fn settle_report(&self, request: SettleReport) -> Result<Report> {
        self.called("settle_report", &request)?;
        Ok(Report { status: request.status, ..report() })
    }

    async fn list_audit(&self, request: ListAudit) -> Result<Page<AuditEntry>> {
        self.called("list_audit", &request)?;
        let bare = AuditEntry {
            seq: Seq::new(1),
            at: Timestamp::from_micros(7),
            action: "of a later version".into(),
            actor: profile(1),
            by_site: true,
            subject: None,
            message: Seq::START,
            role: None,
            until: None,
            reason: None,
        };
        let whole = AuditEntry {
            seq: Seq::new(2),
            action: "banned".into(),
            by_site: false,
            subject: Some(profile(5)),
            message: Seq::new(3),
            role: Some(Role::Moderator),
            until: Some(Timestamp::from_micros(9)),
            reason: Some(Reason::new("스팸").unwrap()),
            ..bare.clone()
        };
        Ok(Page { items: vec![bare, whole], next: request.page.cursor })
    }

    async fn get_words(&self, request: GetWords) -> Result<WordList> {
        self.called("get_words", &request)?;
        Ok(WordList { words: vec![ListedWord::new("광고").unwrap()], action: WordAction::Flag })
    }

    async fn put_words(&self, request: PutWords) -> Result<WordList> {
        self.called("put_words", &request)?;
        Ok(request.list)
    }
}

/// A report with all that one can have.
fn report() -> Report {
    Report {
        id: "7".into(),
        room: room_id(7),
        message: Seq::new(3),
        sender: profile(4),
        reporter: Some(profile(1)),
        reason: Some(Reason::new("스팸").unwrap()),
        at: Timestamp::from_micros(7),
        status: ReportStatus::Resolved,
        settled_by: Some(user_id(2)),
        settled_at: Some(Timestamp::from_micros(8)),
    }
}
