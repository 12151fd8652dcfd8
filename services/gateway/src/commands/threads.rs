//! Threads: messages that stand under another one.

use std::sync::Arc;

use madang_domain::{Authority, MessageId, Profile, Result, RoomId, RoomRef, Seq, event::Message};
use madang_rpc::{
    MessageStore,
    store::{
        Append, AppendInThread, Appended, Changed, FollowThread, FollowedThread, ListThreadMessages,
        ListThreads, MarkThreadRead, Page, PageQuery, TellFollowers, TellMembers, ThreadPage, ThreadPlace,
    },
};
use tracing::Instrument as _;

use super::{Action, Commands, Committed, HistoryRange, settings::for_devices};
use crate::{
    admission::{Actor, Spent},
    fanout::Fanout,
    formats::native,
};

impl Commands {
    /// Sends a message to the thread that it names. Those who follow it are told afterwards, in a task of its own: the
    /// sender does not wait for them.
    pub(super) async fn append_in_thread(
        &self,
        spent: Spent,
        sender: &Arc<Profile>,
        authority: Authority,
        room: RoomId,
        message: Message,
    ) -> Result<Appended> {
        let (store, fanout) = (Arc::clone(&self.store), self.fanout.clone());
        let (counters, tasks) = (Arc::clone(&self.counters), self.tasks.clone());
        let (telling, sender_profile) = (self.telling(), Arc::clone(sender));
        let append = AppendInThread(Append { room, actor: Arc::clone(sender), message, authority });
        self.commit(spent, "append in thread", async move {
            let changed = store.append_in_thread(append).await?;
            let message = changed.value.seq;
            if !changed.value.duplicate {
                counters.appends.add(1);
            }
            if changed.value.mentions_all.is_some() {
                telling.start(TellMembers { room, message }, sender_profile);
            }
            // Of a repeat too: the gateway that had the first may have died before it told anybody.
            let tell = tell_followers(store, fanout, TellFollowers { room, message });
            tasks.spawn_contained("tell followers", tell.in_current_span());
            Ok(changed)
        })
        .await
    }

    /// A page of a thread's messages, with its root.
    pub(crate) async fn thread_messages(
        &self,
        actor: &Actor,
        room: RoomRef,
        thread: MessageId,
        range: HistoryRange,
    ) -> Result<ThreadPage> {
        self.pay_read(actor)?;
        let (from, limit) = range.check()?;
        let (user, thread) = (actor.profile.id, thread.seq());
        self.store.list_thread_messages(ListThreadMessages { user, room, thread, from, limit }).await
    }

    /// Moves a user's read mark in a thread, and tells the user's devices.
    pub(crate) async fn mark_thread_read(
        &self,
        actor: &Actor,
        room: &RoomRef,
        thread: MessageId,
        seq: Seq,
    ) -> Result<ThreadPlace> {
        let spent = self.spend(actor, Action::MarkRead, None).await?;
        let room = self.room_id(actor, room).await?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "mark thread read", async move {
            let mark = MarkThreadRead { user, room: room.into(), thread: thread.seq(), seq };
            let value = store.mark_thread_read(mark).await?;
            let told = for_devices(user, native::thread_read_frame(room, thread, value));
            Ok(Committed { value, publications: vec![told] })
        })
        .await
    }

    /// Follows a thread, or follows it no more, and tells the user's devices.
    pub(crate) async fn follow_thread(
        &self,
        actor: &Actor,
        room: &RoomRef,
        thread: MessageId,
        on: bool,
    ) -> Result<ThreadPlace> {
        let room = self.room_id(actor, room).await?;
        let spent = self.spend(actor, Action::FollowThread, Some(room)).await?;
        let (store, actor) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        let user = actor.id;
        let follow = FollowThread { actor, room: room.into(), thread: thread.seq(), on };
        self.commit(spent, "follow thread", async move {
            let value = store.follow_thread(follow).await?;
            let told = for_devices(user, native::thread_read_frame(room, thread, value));
            Ok(Committed { value, publications: vec![told] })
        })
        .await
    }

    /// The threads that a user follows, the one with the latest message first.
    pub(crate) async fn threads(&self, actor: &Actor, page: PageQuery) -> Result<Page<FollowedThread>> {
        self.pay_read(actor)?;
        self.store.list_threads(ListThreads { user: actor.profile.id, page }).await
    }
}

/// Tells those who follow a thread of a message in it, some at a time: the store says when all are told. What fails here
/// a store does later, and the notices are found by the comparison of heads.
async fn tell_followers(store: Arc<dyn MessageStore>, fanout: Fanout, tell: TellFollowers) {
    loop {
        match store.tell_followers(tell).await {
            Ok(Changed { value: more, events }) => {
                let Committed { publications, .. } = Committed::from(Changed { value: (), events });
                fanout.publish(&publications);
                fanout.deliver_all(publications).await;
                if !more {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(code = error.code.as_str(), "followers of a thread are told later");
                return;
            }
        }
    }
}
