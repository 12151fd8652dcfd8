//! The end of accounts for good.
//!
//! The account goes at once, with all that let its user in. What the user has said is at the message store, which this service
//! does not know. So an erasure is a row here until it is carried out there: whichever gateway takes it goes on with it, and
//! another one does where that one dies.

use std::time::Duration;

use madang_domain::UserId;

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    store::{Erasure, UserOrigin, external_digest, name_digest},
};

/// How long an erasure is its taker's, who takes it again while it lasts. After a gateway's death another one goes on with
/// what it did this much later at most.
const TAKEN_FOR: Duration = Duration::from_secs(15);

/// The most erasures that are taken at once: they are carried out one after the other.
const TAKEN_MAX: i64 = 4;

impl Engine {
    /// Erases a user. Of a user of the embedding site it returns when the second is over, as for a disconnection: what the
    /// site issues from then on has a later second.
    pub(crate) async fn erase(&self, user: UserId) -> Result<()> {
        let now = self.clock.now();
        let Some(profile) = self.store.profiles(&[user]).await?.pop() else {
            // The repeat of an erasure, or none.
            let was_erased = self.store.was_erased(user).await?;
            return if was_erased { Ok(()) } else { Err(AuthError::NoSuchUser) };
        };
        let erasure = Erasure {
            user,
            at: now,
            name: name_digest(&profile.username),
            external_id: profile.external_id.as_ref().map(external_digest),
        };
        let origin = self.store.erase(&erasure).await?;
        tracing::info!(%user, "a user was erased");
        match origin {
            Some(UserOrigin::Site) => self.until_later_second(now).await,
            // None: another call has erased the user since.
            Some(UserOrigin::Here) | None => {}
        }
        Ok(())
    }

    /// Takes erasures to carry out; or again the one that its taker goes on with.
    pub(crate) async fn take_erasures(&self, again: Option<UserId>) -> Result<Vec<UserId>> {
        let now = self.clock.now();
        let until = now.plus(TAKEN_FOR);
        match again {
            Some(user) => {
                self.store.take_erasure_again(user, until).await?;
                Ok(Vec::new())
            }
            None => Ok(self.store.take_erasures(now, until, TAKEN_MAX).await?),
        }
    }

    /// Notes that an erasure was carried out.
    pub(crate) async fn finish_erasure(&self, user: UserId) -> Result<()> {
        Ok(self.store.finish_erasure(user, self.clock.now()).await?)
    }
}
