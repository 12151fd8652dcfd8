//! The service: every call with its deadline and its measure, and what they share.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use madang_domain::{
    Error, IdempotencyKey, MessageText, Result, RoomName, RoomRef, Seq, Slug, TopicId, UserId,
};
use madang_kit::{
    Check, Lifecycle,
    clock::{Clock, Random},
};
use madang_rpc::{
    MessageStore,
    event::{Event, Profile, Role},
    store::{
        Append, Appended, Authority, Changed, HistoryFrom, HistoryQuery, InboxMark, InboxPage, Member,
        NewRoom, Open, OpenInbox, Opened, OpenedInbox, Page, PageQuery, ReadMark, Resolved, RoomView,
    },
};
use tokio::{sync::Notify, time::timeout};

use crate::{
    append::Appender,
    batch::Queue,
    error::{OperationError, OperationResult},
    inbox::InboxOpener,
    measures::Measures,
    open::Opener,
    profiles::KnownProfiles,
    settings::CALL_DEADLINE,
    store::{Backend, Session},
};

/// The message store, in this process. Clones are handles to the same.
#[derive(Clone)]
pub struct Service {
    pub(crate) inner: Arc<Inner>,
}

/// What the operations share. Each file of operations adds its own methods.
pub(crate) struct Inner {
    pub(crate) life: Lifecycle,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) profiles: Arc<KnownProfiles>,
    pub(crate) appends: Queue<Appender>,
    pub(crate) opens: Queue<Opener>,
    pub(crate) inbox_opens: Queue<InboxOpener>,
    pub(crate) measures: Measures,
    /// Wakes the task that removes the events of deleted rooms.
    pub(crate) purge_soon: Arc<Notify>,
    /// Held: what this service says of its readiness ends with it.
    pub(crate) _check: Check,
}

impl Service {
    /// The service's life, a child of its host's. It must end after its callers' lives: a short while after
    /// the soft stop nothing is appended any more.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.inner.life
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Inner {
    /// Writes the profiles that the database does not have yet, before anything names their users.
    pub(crate) async fn remember<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a Arc<Profile>>,
    ) -> OperationResult<()> {
        let newer = self.profiles.unknown(profiles);
        if !newer.is_empty() {
            self.backend.save_profiles(&newer).await?;
            self.profiles.learn(&newer);
        }
        Ok(())
    }

    /// Does a call within its deadline, and measures it.
    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = OperationResult<T>> + Send,
    ) -> Result<T> {
        let began = Instant::now();
        let done = timeout(CALL_DEADLINE, work).await.unwrap_or(Err(OperationError::Deadline));
        let result = done.map_err(Error::from);
        self.measures.call(method, began.elapsed(), result.as_ref().err().map(|error| error.code));
        result
    }
}

/// Ends a session as its work went: commits what succeeded, rolls back what was refused, and closes the
/// connection of what failed.
pub(crate) async fn finish<T>(session: Box<dyn Session>, outcome: OperationResult<T>) -> OperationResult<T> {
    match &outcome {
        Ok(_) => session.commit().await?,
        Err(OperationError::Store(_)) => drop(session),
        // The refusal is the answer; a connection that cannot roll back has closed.
        Err(_) => drop(session.rollback().await),
    }
    outcome
}

/// The hot paths, `append`, `open` and `open_inbox`, keep their deadline in their queues and are measured by the batch.
#[async_trait]
impl MessageStore for Service {
    async fn create_room(&self, actor: Arc<Profile>, room: NewRoom) -> Result<Changed<RoomView>> {
        self.inner.call("create_room", self.inner.create_room(actor, room)).await
    }

    async fn room(&self, user: UserId, room: RoomRef) -> Result<RoomView> {
        self.inner.call("room", self.inner.room(user, room)).await
    }

    async fn rooms(&self, user: UserId, joinable: bool, page: PageQuery) -> Result<Page<RoomView>> {
        self.inner.call("rooms", self.inner.rooms(user, joinable, page)).await
    }

    async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> Result<Changed<RoomView>> {
        self.inner.call("update_room", self.inner.update_room(actor, room, name, slug)).await
    }

    async fn delete_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        self.inner.call("delete_room", self.inner.delete_room(actor, room)).await
    }

    async fn join(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<RoomView>> {
        self.inner.call("join", self.inner.join(actor, room)).await
    }

    async fn leave(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        self.inner.call("leave", self.inner.leave(actor, room)).await
    }

    async fn members(&self, user: UserId, room: RoomRef, page: PageQuery) -> Result<Page<Member>> {
        self.inner.call("members", self.inner.members(user, room, page)).await
    }

    async fn put_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> Result<Changed<Member>> {
        let work = self.inner.put_member(actor, authority, room, user, role);
        self.inner.call("put_member", work).await
    }

    async fn remove_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: UserId,
    ) -> Result<Changed<()>> {
        self.inner.call("remove_member", self.inner.remove_member(actor, authority, room, user)).await
    }

    async fn append(&self, mut append: Append) -> Result<Appended> {
        // What the type does not say: a text that the database refuses would cost its whole batch a second try.
        append.message.text = MessageText::new(append.message.text)?.into_string();
        Ok(self.inner.appends.ask(append).await?)
    }

    async fn open(&self, open: Open) -> Result<Opened> {
        Ok(self.inner.opens.ask(open).await?)
    }

    async fn resolve(&self, user: UserId, rooms: &[RoomRef], memberships: bool) -> Result<Resolved> {
        self.inner.call("resolve", self.inner.resolve(user, rooms, memberships)).await
    }

    async fn read(&self, topic: TopicId, after: Seq, limit: u32) -> Result<Vec<Event>> {
        self.inner.call("read", self.inner.read(topic, after, limit)).await
    }

    async fn heads(&self, topics: &[TopicId]) -> Result<Vec<(TopicId, Seq)>> {
        self.inner.call("heads", self.inner.heads(topics)).await
    }

    async fn history(&self, user: UserId, room: RoomRef, query: HistoryQuery) -> Result<Vec<Event>> {
        self.inner.call("history", self.inner.history(user, room, query)).await
    }

    async fn mark_read(&self, user: UserId, room: RoomRef, seq: Seq) -> Result<ReadMark> {
        self.inner.call("mark_read", self.inner.mark_read(user, room, seq)).await
    }

    async fn notify(
        &self,
        user: Arc<Profile>,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed<Event>> {
        self.inner.call("notify", self.inner.notify(user, data, key)).await
    }

    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox> {
        Ok(self.inner.inbox_opens.ask(open).await?)
    }

    async fn inbox(&self, user: UserId, from: HistoryFrom, limit: u32) -> Result<InboxPage> {
        self.inner.call("inbox", self.inner.inbox(user, from, limit)).await
    }

    async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> Result<InboxMark> {
        self.inner.call("mark_inbox_read", self.inner.mark_inbox_read(user, seq)).await
    }
}
