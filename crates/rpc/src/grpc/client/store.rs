//! The message store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use madang_domain::{Cursor, Error, IdempotencyKey, Result, RoomName, RoomRef, Seq, Slug, TopicId, UserId};
use madang_proto::store::v1::{
    self as wire, append_outcome, message_store_service_client::MessageStoreServiceClient,
    open_inbox_outcome, open_outcome,
};
use tokio::time::Instant;
use tonic::transport::Channel;

use super::{Transport, malformed, rpc};
use crate::{
    MessageStore,
    event::{Event, Profile, Role},
    grpc::{
        BATCH_MAX_ITEMS, BatchSettings, CallSettings, REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES,
        batch::Batcher,
        call::Caller,
        convert::{
            WireId, decode_ids, encode_change,
            event::{decode_events, encode_profile, encode_role, encode_topic},
            inbox::{
                decode_inbox_mark, decode_inbox_page, decode_notified, decode_opened_inbox,
                encode_inbox_from, encode_notify, encode_open_inbox,
            },
            store::{
                append_len, decode_appended, decode_changed, decode_changed_view, decode_heads,
                decode_member, decode_opened, decode_page, decode_read_mark, decode_resolved, decode_view,
                encode_append, encode_authority, encode_history_from, encode_new_room, encode_open,
                encode_room_ref,
            },
        },
        method::store as method,
        status::from_failure,
    },
    store::{
        Append, Appended, Authority, Changed, HistoryFrom, HistoryQuery, InboxMark, InboxPage, Member,
        NewRoom, Open, OpenInbox, Opened, OpenedInbox, Page, PageQuery, ReadMark, Resolved, RoomKind,
        RoomView,
    },
};

/// How a client calls its message store.
#[derive(Debug, Clone)]
pub struct MessageStoreSettings {
    /// Deadlines, repetition, breaker.
    pub call: CallSettings,
    /// How appends leave together. Their weight is their bytes, about.
    pub append: BatchSettings,
    /// How subscriptions, to rooms and to inboxes, are opened together. Their weight is the events that may be replayed to each,
    /// and one.
    pub open: BatchSettings,
}

/// A commit and the way to it take a few milliseconds: what takes longer has met a lock, or a slow disk.
const OVERLAP_AFTER: Duration = Duration::from_millis(10);

/// A call, its transaction and the publish after it cost each process several wake-ups, whether they carry one
/// append or ten. Measured with 500 appends a second at a gateway: without a pace 0.56 ms of CPU an append in
/// gateways and stores, with 4 ms 0.37, with 5 ms 0.33, with 6 ms 0.33; the median of delivery goes from 3 to 7 ms,
/// its 99th percentile from 10 to 12.
const APPEND_PACE: Duration = Duration::from_millis(5);

impl Default for MessageStoreSettings {
    fn default() -> Self {
        Self {
            call: CallSettings::default(),
            // Past 128 rows a statement the store gains little more; a mebibyte is sent in milliseconds.
            append: BatchSettings {
                items_max: 128,
                weight_max: 1024 * 1024,
                in_flight_max: 4,
                overlap_after: OVERLAP_AFTER,
                pace: APPEND_PACE,
                queue_max: 8_192,
            },
            // 2,000 events of a usual 300 bytes are an answer of 600 KB.
            open: BatchSettings {
                items_max: 128,
                weight_max: 2_000,
                in_flight_max: 8,
                overlap_after: OVERLAP_AFTER,
                pace: Duration::ZERO,
                queue_max: 8_192,
            },
        }
    }
}

/// A message store behind gRPC.
///
/// Appends, and subscriptions to open, leave together with others of their moment: a lone one at once,
/// many in few calls. When too many wait, another is refused as `unavailable` at once.
#[derive(Debug)]
pub struct MessageStoreClient<T = Channel> {
    rpc: MessageStoreServiceClient<T>,
    caller: Arc<Caller>,
    appends: Batcher<Append, Appended>,
    opens: Batcher<Open, Opened>,
    inbox_opens: Batcher<OpenInbox, OpenedInbox>,
}

impl<T: Transport> MessageStoreClient<T> {
    /// A client that calls over `channel`. Must be made within a Tokio runtime, which runs the tasks
    /// that send what has gathered; they end with the client.
    pub fn new(channel: T, settings: MessageStoreSettings) -> Self {
        let rpc = MessageStoreServiceClient::new(channel)
            .max_encoding_message_size(REQUEST_MAX_BYTES)
            .max_decoding_message_size(RESPONSE_MAX_BYTES);
        let MessageStoreSettings { call, append, open } = settings;
        let caller = Arc::new(Caller::new(call));
        let sender = Sender { rpc: rpc.clone(), caller: Arc::clone(&caller) };
        let appends = Batcher::spawn(bounded(append), append_len, {
            let sender = sender.clone();
            move |appends, deadline| sender.clone().append(appends, deadline)
        });
        let opens =
            Batcher::spawn(bounded(open), |open: &Open| open_weight(open.since, open.replay_limit), {
                let sender = sender.clone();
                move |opens, deadline| sender.clone().open(opens, deadline)
            });
        let inbox_opens = Batcher::spawn(
            bounded(open),
            |open: &OpenInbox| open_weight(open.since, open.replay_limit),
            move |opens, deadline| sender.clone().open_inboxes(opens, deadline),
        );
        Self { rpc, caller, appends, opens, inbox_opens }
    }
}

/// No more than a server takes.
fn bounded(settings: BatchSettings) -> BatchSettings {
    BatchSettings { items_max: settings.items_max.clamp(1, BATCH_MAX_ITEMS), ..settings }
}

fn open_weight(since: Option<Cursor>, replay_limit: u32) -> usize {
    1 + since.map_or(0, |_| usize::try_from(replay_limit).unwrap_or(usize::MAX - 1))
}

/// Sends batches.
#[derive(Clone)]
struct Sender<T> {
    rpc: MessageStoreServiceClient<T>,
    caller: Arc<Caller>,
}

impl<T: Transport> Sender<T> {
    async fn append(self, appends: Vec<Append>, deadline: Instant) -> Result<Vec<Result<Appended>>> {
        let request = || wire::AppendRequest { appends: appends.iter().map(encode_append).collect() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.append(request).await }
        };
        let answer = self.caller.call(&method::APPEND, deadline, request, send).await?;
        let outcome = |outcome: wire::AppendOutcome| match outcome.outcome {
            Some(append_outcome::Outcome::Appended(appended)) => {
                decode_appended(&appended).map_err(malformed)
            }
            Some(append_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("an append without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }

    async fn open(self, opens: Vec<Open>, deadline: Instant) -> Result<Vec<Result<Opened>>> {
        let request = || wire::OpenRequest { rooms: opens.iter().map(encode_open).collect() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.open(request).await }
        };
        let answer = self.caller.call(&method::OPEN, deadline, request, send).await?;
        let outcome = |outcome: wire::OpenOutcome| match outcome.outcome {
            Some(open_outcome::Outcome::Opened(opened)) => decode_opened(opened).map_err(malformed),
            Some(open_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("a subscription without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }

    async fn open_inboxes(
        self,
        opens: Vec<OpenInbox>,
        deadline: Instant,
    ) -> Result<Vec<Result<OpenedInbox>>> {
        let request = || wire::OpenInboxRequest { inboxes: opens.iter().map(encode_open_inbox).collect() };
        let send = |request| {
            let mut rpc = self.rpc.clone();
            async move { rpc.open_inbox(request).await }
        };
        let answer = self.caller.call(&method::OPEN_INBOX, deadline, request, send).await?;
        let outcome = |outcome: wire::OpenInboxOutcome| match outcome.outcome {
            Some(open_inbox_outcome::Outcome::Opened(opened)) => {
                decode_opened_inbox(opened).map_err(malformed)
            }
            Some(open_inbox_outcome::Outcome::Failure(failure)) => Err(from_failure(failure)),
            None => Err(Error::internal("an inbox without an outcome")),
        };
        Ok(answer.outcomes.into_iter().map(outcome).collect())
    }
}

#[async_trait]
impl<T: Transport> MessageStore for MessageStoreClient<T> {
    async fn create_room(&self, actor: Arc<Profile>, room: NewRoom) -> Result<Changed<RoomView>> {
        // A key, a name of the site's, or being the one room of its two members, makes the second try answer
        // with the first.
        let once = room.key.is_some() || room.external_id.is_some() || room.kind == RoomKind::Direct;
        let method = if once { method::CREATE_ROOM_ONCE } else { method::CREATE_ROOM };
        let answer = rpc!(self.create_room(method, encode_new_room(&actor, &room)))?;
        decode_changed_view(answer.room, answer.events).map_err(malformed)
    }

    async fn room(&self, user: UserId, room: RoomRef) -> Result<RoomView> {
        let request = || wire::GetRoomRequest { user: user.encode(), room: Some(encode_room_ref(&room)) };
        decode_view(rpc!(self.get_room(method::ROOM, request()))?.room).map_err(malformed)
    }

    async fn rooms(&self, user: UserId, joinable: bool, page: PageQuery) -> Result<Page<RoomView>> {
        let request = || wire::ListRoomsRequest {
            user: user.encode(),
            joinable,
            limit: page.limit,
            cursor: page.cursor.clone().unwrap_or_default(),
        };
        let answer = rpc!(self.list_rooms(method::ROOMS, request()))?;
        decode_page(answer.rooms, answer.next_cursor, decode_view).map_err(malformed)
    }

    async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> Result<Changed<RoomView>> {
        let request = || wire::UpdateRoomRequest {
            actor: Some(encode_profile(&actor)),
            room: Some(encode_room_ref(&room)),
            name: name.as_ref().map(RoomName::to_string),
            slug: encode_change(slug.as_ref().map(Option::as_ref)),
        };
        let answer = rpc!(self.update_room(method::UPDATE_ROOM, request()))?;
        decode_changed_view(answer.room, answer.events).map_err(malformed)
    }

    async fn delete_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        let request = || wire::DeleteRoomRequest {
            actor: Some(encode_profile(&actor)),
            room: Some(encode_room_ref(&room)),
        };
        decode_changed(rpc!(self.delete_room(method::DELETE_ROOM, request()))?.events).map_err(malformed)
    }

    async fn join(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<RoomView>> {
        let request =
            || wire::JoinRequest { actor: Some(encode_profile(&actor)), room: Some(encode_room_ref(&room)) };
        let answer = rpc!(self.join(method::JOIN, request()))?;
        decode_changed_view(answer.room, answer.events).map_err(malformed)
    }

    async fn leave(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        let request =
            || wire::LeaveRequest { actor: Some(encode_profile(&actor)), room: Some(encode_room_ref(&room)) };
        decode_changed(rpc!(self.leave(method::LEAVE, request()))?.events).map_err(malformed)
    }

    async fn members(&self, user: UserId, room: RoomRef, page: PageQuery) -> Result<Page<Member>> {
        let request = || wire::ListMembersRequest {
            user: user.encode(),
            room: Some(encode_room_ref(&room)),
            limit: page.limit,
            cursor: page.cursor.clone().unwrap_or_default(),
        };
        let answer = rpc!(self.list_members(method::MEMBERS, request()))?;
        decode_page(answer.members, answer.next_cursor, decode_member).map_err(malformed)
    }

    async fn put_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> Result<Changed<Member>> {
        let request = || wire::PutMemberRequest {
            actor: Some(encode_profile(&actor)),
            room: Some(encode_room_ref(&room)),
            user: Some(encode_profile(&user)),
            role: encode_role(role).into(),
            authority: encode_authority(authority).into(),
        };
        let answer = rpc!(self.put_member(method::PUT_MEMBER, request()))?;
        let value = decode_member(answer.member).map_err(malformed)?;
        Ok(Changed { value, events: decode_events(answer.events).map_err(malformed)? })
    }

    async fn remove_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: UserId,
    ) -> Result<Changed<()>> {
        let request = || wire::RemoveMemberRequest {
            actor: Some(encode_profile(&actor)),
            room: Some(encode_room_ref(&room)),
            user: user.encode(),
            authority: encode_authority(authority).into(),
        };
        decode_changed(rpc!(self.remove_member(method::REMOVE_MEMBER, request()))?.events).map_err(malformed)
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.appends.call(append, self.caller.deadline(&method::APPEND)).await
    }

    async fn open(&self, open: Open) -> Result<Opened> {
        self.opens.call(open, self.caller.deadline(&method::OPEN)).await
    }

    async fn resolve(&self, user: UserId, rooms: &[RoomRef], memberships: bool) -> Result<Resolved> {
        let request = || wire::ResolveRequest {
            user: user.encode(),
            rooms: rooms.iter().map(encode_room_ref).collect(),
            memberships,
        };
        let answer = rpc!(self.resolve(method::RESOLVE, request()))?;
        if answer.rooms.len() != rooms.len() {
            return Err(Error::internal("not as many resolved rooms as references"));
        }
        Ok(Resolved {
            rooms: decode_resolved(&answer.rooms).map_err(malformed)?,
            memberships: decode_ids("memberships", &answer.memberships).map_err(malformed)?,
        })
    }

    async fn read(&self, topic: TopicId, after: Seq, limit: u32) -> Result<Vec<Event>> {
        let request = || wire::ReadRequest { topic: Some(encode_topic(topic)), after: after.get(), limit };
        decode_events(rpc!(self.read(method::READ, request()))?.events).map_err(malformed)
    }

    async fn heads(&self, topics: &[TopicId]) -> Result<Vec<(TopicId, Seq)>> {
        let request =
            || wire::HeadsRequest { topics: topics.iter().map(|topic| encode_topic(*topic)).collect() };
        decode_heads(rpc!(self.heads(method::HEADS, request()))?.heads).map_err(malformed)
    }

    async fn history(&self, user: UserId, room: RoomRef, query: HistoryQuery) -> Result<Vec<Event>> {
        let request = || wire::HistoryRequest {
            user: user.encode(),
            room: Some(encode_room_ref(&room)),
            limit: query.limit,
            messages_only: query.messages_only,
            from: Some(encode_history_from(query.from)),
        };
        decode_events(rpc!(self.history(method::HISTORY, request()))?.events).map_err(malformed)
    }

    async fn mark_read(&self, user: UserId, room: RoomRef, seq: Seq) -> Result<ReadMark> {
        let request = || wire::MarkReadRequest {
            user: user.encode(),
            room: Some(encode_room_ref(&room)),
            seq: seq.get(),
        };
        decode_read_mark(&rpc!(self.mark_read(method::MARK_READ, request()))?).map_err(malformed)
    }

    async fn notify(
        &self,
        user: Arc<Profile>,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed<Event>> {
        let method = if key.is_some() { method::NOTIFY_ONCE } else { method::NOTIFY };
        let answer = rpc!(self.notify(method, encode_notify(&user, &data, key.as_ref())))?;
        decode_notified(answer).map_err(malformed)
    }

    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox> {
        self.inbox_opens.call(open, self.caller.deadline(&method::OPEN_INBOX)).await
    }

    async fn inbox(&self, user: UserId, from: HistoryFrom, limit: u32) -> Result<InboxPage> {
        let request =
            || wire::InboxRequest { user: user.encode(), from: Some(encode_inbox_from(from)), limit };
        decode_inbox_page(rpc!(self.inbox(method::INBOX, request()))?).map_err(malformed)
    }

    async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> Result<InboxMark> {
        let request = || wire::MarkInboxReadRequest { user: user.encode(), seq: seq.get() };
        Ok(decode_inbox_mark(rpc!(self.mark_inbox_read(method::MARK_INBOX_READ, request()))?))
    }
}
