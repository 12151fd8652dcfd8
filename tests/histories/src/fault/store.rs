//! A store whose calls fail or are slow on demand, on their way from one gateway.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use madang_domain::{Error, IdempotencyKey, Result, RoomName, RoomRef, Seq, Slug, TopicId, UserId};
use madang_rpc::{
    MessageStore,
    event::{Event, Profile, Role},
    store::{
        Append, Appended, Authority, Changed, HistoryFrom, HistoryQuery, InboxMark, InboxPage, Member,
        NewRoom, Open, OpenInbox, Opened, OpenedInbox, Page, PageQuery, ReadMark, Resolved, RoomView,
    },
};
use tokio_util::task::TaskTracker;

use crate::case::{Call, How};

/// What is to go wrong with one gateway's calls.
#[derive(Debug, Default)]
pub(crate) struct StoreFaults {
    /// Each for the next call of its kind.
    planned: Mutex<Vec<(Call, How)>>,
}

impl StoreFaults {
    /// Plans a fault.
    pub(crate) fn plan(&self, call: Call, how: How) {
        self.lock().push((call, how));
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.lock().clear();
    }

    fn take(&self, call: Call) -> Option<How> {
        let mut planned = self.lock();
        let at = planned.iter().position(|(of, _)| *of == call)?;
        Some(planned.remove(at).1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Call, How)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store as one gateway reaches it. As behind a network, a call that has left is carried out whether or
/// not its gateway lives to hear the answer.
pub(crate) struct FaultyStore {
    inner: Arc<dyn MessageStore>,
    faults: Arc<StoreFaults>,
    calls: TaskTracker,
}

impl FaultyStore {
    /// Puts faults before a store. The calls run on `calls`, so that one can wait for those that were left behind.
    #[must_use]
    pub(crate) fn new(inner: Arc<dyn MessageStore>, faults: Arc<StoreFaults>, calls: TaskTracker) -> Self {
        Self { inner, faults, calls }
    }

    async fn call<T, F, W>(&self, call: Call, work: W) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
        W: FnOnce(Arc<dyn MessageStore>) -> F + Send + 'static,
    {
        let how = self.faults.take(call);
        match how {
            Some(How::FailBefore) => return Err(fault()),
            Some(How::SlowBefore(ms)) => latency(ms).await,
            Some(How::FailAfter | How::SlowAfter(_)) | None => {}
        }
        let inner = Arc::clone(&self.inner);
        let result = self.calls.spawn(async move { work(inner).await }).await.map_err(Error::internal)?;
        match how {
            Some(How::FailAfter) => Err(fault()),
            Some(How::SlowAfter(ms)) => {
                latency(ms).await;
                result
            }
            Some(How::FailBefore | How::SlowBefore(_)) | None => result,
        }
    }
}

fn fault() -> Error {
    Error::unavailable("a fault that was asked for")
}

/// A network's latency, which is time by nature.
async fn latency(ms: u8) {
    tokio::time::sleep(Duration::from_millis(ms.into())).await;
}

#[async_trait]
impl MessageStore for FaultyStore {
    async fn create_room(&self, actor: Arc<Profile>, room: NewRoom) -> Result<Changed<RoomView>> {
        self.inner.create_room(actor, room).await
    }

    async fn room(&self, user: UserId, room: RoomRef) -> Result<RoomView> {
        self.inner.room(user, room).await
    }

    async fn rooms(&self, user: UserId, joinable: bool, page: PageQuery) -> Result<Page<RoomView>> {
        self.inner.rooms(user, joinable, page).await
    }

    async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> Result<Changed<RoomView>> {
        self.call(Call::Change, move |store| async move { store.update_room(actor, room, name, slug).await })
            .await
    }

    async fn delete_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        self.call(Call::Change, move |store| async move { store.delete_room(actor, room).await }).await
    }

    async fn join(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<RoomView>> {
        self.call(Call::Change, move |store| async move { store.join(actor, room).await }).await
    }

    async fn leave(&self, actor: Arc<Profile>, room: RoomRef) -> Result<Changed<()>> {
        self.call(Call::Change, move |store| async move { store.leave(actor, room).await }).await
    }

    async fn members(&self, user: UserId, room: RoomRef, page: PageQuery) -> Result<Page<Member>> {
        self.inner.members(user, room, page).await
    }

    async fn put_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> Result<Changed<Member>> {
        let change = move |store: Arc<dyn MessageStore>| async move {
            store.put_member(actor, authority, room, user, role).await
        };
        self.call(Call::Change, change).await
    }

    async fn remove_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: UserId,
    ) -> Result<Changed<()>> {
        let change = move |store: Arc<dyn MessageStore>| async move {
            store.remove_member(actor, authority, room, user).await
        };
        self.call(Call::Change, change).await
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.call(Call::Append, move |store| async move { store.append(append).await }).await
    }

    async fn open(&self, open: Open) -> Result<Opened> {
        self.call(Call::Open, move |store| async move { store.open(open).await }).await
    }

    async fn resolve(&self, user: UserId, rooms: &[RoomRef], memberships: bool) -> Result<Resolved> {
        self.inner.resolve(user, rooms, memberships).await
    }

    async fn read(&self, topic: TopicId, after: Seq, limit: u32) -> Result<Vec<Event>> {
        self.call(Call::Read, move |store| async move { store.read(topic, after, limit).await }).await
    }

    async fn heads(&self, topics: &[TopicId]) -> Result<Vec<(TopicId, Seq)>> {
        let topics = topics.to_vec();
        self.call(Call::Heads, move |store| async move { store.heads(&topics).await }).await
    }

    async fn history(&self, user: UserId, room: RoomRef, query: HistoryQuery) -> Result<Vec<Event>> {
        self.inner.history(user, room, query).await
    }

    async fn mark_read(&self, user: UserId, room: RoomRef, seq: Seq) -> Result<ReadMark> {
        self.call(Call::Change, move |store| async move { store.mark_read(user, room, seq).await }).await
    }

    async fn notify(
        &self,
        user: Arc<Profile>,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> Result<Changed<Event>> {
        self.call(Call::Change, move |store| async move { store.notify(user, data, key).await }).await
    }

    async fn open_inbox(&self, open: OpenInbox) -> Result<OpenedInbox> {
        // What goes wrong is planned for the rooms' subscriptions, and every socket opens its inbox.
        self.inner.open_inbox(open).await
    }

    async fn inbox(&self, user: UserId, from: HistoryFrom, limit: u32) -> Result<InboxPage> {
        self.inner.inbox(user, from, limit).await
    }

    async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> Result<InboxMark> {
        self.call(Call::Change, move |store| async move { store.mark_inbox_read(user, seq).await }).await
    }
}
