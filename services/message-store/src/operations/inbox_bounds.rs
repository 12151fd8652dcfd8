//! Inboxes have an end: notices that are too old, or of which there are too many, are removed.
//!
//! An inbox is a log, and what is removed is its beginning: whoever asks from a place before that is told that not all
//! of it can be said, as of every log with a gap. What was not read of it counts as read, so that the unread number is that
//! of the notices which are there. Every replica looks through all inboxes, some at a time, and removes a bounded number of
//! notices in one transaction, under the inbox's lock.

use std::{sync::Arc, time::Duration};

use madang_database::Transactions;
use madang_domain::UserId;
use madang_kit::{Lifecycle, clock::Clock};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    error::OperationResult,
    settings::{INBOX_SWEEP_INTERVAL, INBOX_SWEEP_PACE, INBOX_SWEEP_USERS, INBOX_TRIM_CHUNK_NOTICES},
    store::{Database, NoticeBounds},
    transaction::{finish, in_transaction},
};

/// Removes notices.
pub(crate) struct InboxTrimmer {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a notice is kept.
    pub(crate) age: Duration,
    /// How many notices of an inbox are kept.
    pub(crate) count: u64,
}

impl InboxTrimmer {
    /// Starts the task. It ends after the soft stop.
    pub(crate) fn start(self, life: &Lifecycle) {
        let soft = life.soft().clone();
        life.tasks().spawn("inbox bounds", async move {
            let mut ticks = interval(INBOX_SWEEP_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while soft.run_until_cancelled(ticks.tick()).await.is_some() {
                if let Some(Err(error)) = soft.run_until_cancelled(self.sweep()).await {
                    tracing::warn!(%error, "old notices could not be removed; trying again later");
                }
            }
        });
    }

    fn bounds(&self) -> NoticeBounds {
        NoticeBounds { count: self.count, since: self.clock.now().minus(self.age) }
    }

    async fn sweep(&self) -> OperationResult<()> {
        let mut after = None;
        loop {
            let mut connection = self.database.reader().await?;
            let found = connection.inboxes_beyond(after, INBOX_SWEEP_USERS, self.bounds()).await;
            let (users, last) = finish(connection, found.map_err(Into::into)).await?;
            for user in users {
                // One that cannot be trimmed holds up no other.
                if let Err(error) = self.trim(user).await {
                    tracing::warn!(%user, %error, "old notices could not be removed; trying again later");
                }
            }
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
            sleep(INBOX_SWEEP_PACE).await;
        }
    }

    async fn trim(&self, user: UserId) -> OperationResult<()> {
        while self.trim_some(user).await? {}
        Ok(())
    }

    /// Removes some notices, and answers whether there may be more to remove.
    async fn trim_some(&self, user: UserId) -> OperationResult<bool> {
        in_transaction!(self, "trim_inbox", |transaction| {
            let Some(state) = transaction.lock_inbox_if_any(user).await? else { return Ok(false) };
            let (limit, bounds) = (INBOX_TRIM_CHUNK_NOTICES, self.bounds());
            let Some(last) = transaction.last_beyond(user, state.head, bounds, limit).await? else {
                return Ok(false);
            };
            if state.read < last {
                transaction.mark_inbox_read(user, state.read, last).await?;
            }
            transaction.delete_notices(user, last).await?;
            Ok(true)
        })
    }
}
