//! Erasures of users. The auth service ends the account at once and keeps that the message store has something left; this
//! gateway, or another one where it dies, has the store take step by step, and publishes what each step committed.

use std::{sync::Arc, time::Duration};

use madang_domain::{Result, UserId, UserRef};
use madang_rpc::{
    auth::{EraseUser, FinishErasure, TakeErasures},
    store::{self, Changed, Erased},
};
use tokio::time::{Instant, sleep};

use super::{Action, Commands, Committed, profiles, publication};
use crate::{
    admission::{Actor, Spent},
    log,
};

/// How often a gateway looks for erasures that nobody goes on with. One that it has begun itself it finds at once.
const TAKE_EVERY: Duration = Duration::from_secs(5);

/// After so long an erasure is taken again: well within the time for which the auth service leaves it to this gateway.
const TAKE_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The longest rest between two steps. It rests as long as a step took, so that users keep half of a busy store.
const REST_MAX: Duration = Duration::from_secs(1);

impl Commands {
    /// Erases the actor.
    pub(crate) async fn erase(&self, actor: &Actor) -> Result<()> {
        self.spend(actor, Action::EraseAccount, None).await?.keep();
        self.begin_erasure(actor.profile.id).await
    }

    /// Erases a user on behalf of the site.
    pub(crate) async fn erase_as_site(&self, user: &UserRef) -> Result<()> {
        let user = self.find_user(user).await?.id;
        self.begin_erasure(user).await
    }

    async fn begin_erasure(&self, user: UserId) -> Result<()> {
        self.auth.erase_user(EraseUser { user }).await?;
        self.erasures.notify_one();
        Ok(())
    }

    /// Carries erasures out without end: those that are begun here, and those that nobody goes on with.
    pub(crate) async fn carry_out_erasures(self: Arc<Self>) {
        loop {
            // Either is fine: who was told looks at once, and else it is looked for now and then.
            let _ = tokio::time::timeout(TAKE_EVERY, self.erasures.notified()).await;
            if let Err(error) = self.take_and_carry_out().await {
                log::failed_request(&error);
            }
        }
    }

    async fn take_and_carry_out(&self) -> Result<()> {
        loop {
            let users = self.auth.take_erasures(TakeErasures { again: None }).await?;
            if users.is_empty() {
                return Ok(());
            }
            let mut failed = None;
            for user in users {
                // One that fails does not keep the others waiting; it is taken again later, by whichever gateway.
                if let Err(error) = self.carry_out(user).await {
                    failed = Some(error);
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    async fn carry_out(&self, user: UserId) -> Result<()> {
        let mut taken_at = Instant::now();
        loop {
            let began = Instant::now();
            if self.take_step(user).await? {
                return self.auth.finish_erasure(FinishErasure { user }).await;
            }
            sleep(began.elapsed().min(REST_MAX)).await;
            if taken_at.elapsed() >= TAKE_AGAIN_AFTER {
                self.auth.take_erasures(TakeErasures { again: Some(user) }).await?;
                taken_at = Instant::now();
            }
        }
    }

    /// Takes one step. True once nothing is left.
    async fn take_step(&self, user: UserId) -> Result<bool> {
        let store = Arc::clone(&self.store);
        self.commit(Spent::by_site(), "erase user", async move {
            let Changed { value: Erased { done, told }, events } =
                store.erase_user(store::EraseUser { user }).await?;
            let mut publications: Vec<_> = events.into_iter().map(publication).collect();
            publications.extend(told.into_iter().flat_map(profiles::publications));
            Ok(Committed { value: done, publications })
        })
        .await
    }
}
