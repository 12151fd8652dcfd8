//! Notices for those who follow a thread, off the path of the message that they tell of.
//!
//! The transaction of the message notes that its followers are to be told. Whoever sent it asks for that afterwards, some
//! followers at a time, and publishes the notices. What is left undone because that process died is done by a task of
//! the store, and found by comparing heads.

use std::sync::Arc;

use madang_database::Transactions;
use madang_domain::{
    Seq, TopicId,
    event::{Event, EventBody, Reply},
};
use madang_kit::{Lifecycle, clock::Clock};
use madang_rpc::store::{Changed, TellFollowers};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    error::OperationResult,
    settings::{TELL_CHUNK_FOLLOWERS, TELL_INTERVAL, TELL_OVERDUE, TELLS_PER_ROUND},
    store::{Connection, Database, Tell},
    transaction::{finish, in_transaction},
};

/// Tells followers of threads, and members whom a message mentions all together: see [`super::everybody`].
pub(crate) struct ReplyNotices {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ReplyNotices {
    /// Puts notices into the inboxes of some followers, and answers whether there are more.
    pub(crate) async fn tell(&self, request: TellFollowers) -> OperationResult<Changed<bool>> {
        let TellFollowers { room, message } = request;
        in_transaction!(self, "tell_followers", |transaction| {
            let Some(tell) = transaction.lock_tell(room, message).await? else {
                return Ok(Changed { value: false, events: Vec::new() });
            };
            self.tell_some(transaction, tell).await
        })
    }

    async fn tell_some(
        &self,
        transaction: &mut dyn Connection,
        mut tell: Tell,
    ) -> OperationResult<Changed<bool>> {
        let Tell { room, message, root, by_site, told_to } = tell;
        let mut events = Vec::new();
        let said = transaction.message(room, message).await?.filter(|said| !said.detail.deleted);
        let Some(said) = said else {
            transaction.save_tell(&tell, false).await?;
            return Ok(Changed { value: false, events });
        };
        let mut followers = transaction.followers(room, root, told_to, TELL_CHUNK_FOLLOWERS).await?;
        let more = followers.len() as u64 == u64::from(TELL_CHUNK_FOLLOWERS);
        if let Some(last) = followers.last() {
            tell.told_to = *last;
        }
        let blockers =
            if by_site { Vec::new() } else { transaction.blockers(said.sender, &followers).await? };
        let sender = transaction.profile(said.sender).await?;
        let body = EventBody::Reply(Reply { room, seq: message, thread: root });
        // An inbox that is erased is not begun anew: who is not erased now is not until this transaction ends.
        let erased = transaction.erased_among(&followers).await?;
        let silent = transaction.silent_members(room, &followers, self.clock.now()).await?;
        followers.retain(|user| {
            let is_told_else = *user == said.sender || said.detail.mentions.contains(user);
            !is_told_else && !blockers.contains(user) && !erased.contains(user) && !silent.contains(user)
        });
        // In the order of users, as inboxes are locked.
        let told = transaction.insert_notices(&followers, said.sender, &body, self.clock.now()).await?;
        events.extend(told.into_iter().map(|(user, seq, at)| {
            let (topic, actor) = (TopicId::Inbox(user), Arc::clone(&sender));
            Event { topic, seq, at, actor, subject: None, body: body.clone() }
        }));
        transaction.save_tell(&tell, more).await?;
        Ok(Changed { value: more, events })
    }

    /// Starts the task that does what others left undone. It ends after the soft stop.
    pub(crate) fn start(self: Arc<Self>, life: &Lifecycle) {
        let soft = life.soft().clone();
        life.tasks().spawn("reply notices", async move {
            let mut ticks = interval(TELL_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while soft.run_until_cancelled(ticks.tick()).await.is_some() {
                if let Some(Err(error)) = soft.run_until_cancelled(self.tell_overdue()).await {
                    tracing::warn!(%error, "followers of threads could not be told; trying again later");
                }
                if let Some(Err(error)) = soft.run_until_cancelled(self.tell_overdue_members()).await {
                    tracing::warn!(%error, "members could not be told; trying again later");
                }
            }
        });
    }

    async fn tell_overdue(&self) -> OperationResult<()> {
        let before = self.clock.now().minus(TELL_OVERDUE);
        let mut connection = self.database.reader().await?;
        let overdue: Vec<(_, Seq)> = connection.overdue_tells(before, TELLS_PER_ROUND).await?;
        finish(connection, Ok(())).await?;
        for (room, message) in overdue {
            // One that cannot be told holds up no other, and is tried again in the next round.
            if let Err(error) = self.tell_all(TellFollowers { room, message }).await {
                tracing::warn!(%room, %message, %error, "followers of a thread could not be told; trying again later");
            }
        }
        Ok(())
    }

    async fn tell_all(&self, tell: TellFollowers) -> OperationResult<()> {
        while self.tell(tell).await?.value {}
        Ok(())
    }
}
