//! Whom users have blocked.

use std::sync::Arc;

use madang_domain::{Result, UserId};
use madang_rpc::store::{Block, BlockedUser, ListBlocked, Page, PageQuery, Unblock};

use super::{Action, Commands};
use crate::admission::Actor;

impl Commands {
    /// Blocks a user. `not_found`: there is no such user.
    pub(crate) async fn block(&self, actor: &Actor, user: UserId) -> Result<()> {
        self.spend(actor, Action::Block, None).await?.keep();
        let user = Arc::new(self.user(user).await?);
        self.store.block(Block { actor: Arc::clone(&actor.profile), user }).await
    }

    /// Ends the block of a user, whether or not there is such a user.
    pub(crate) async fn unblock(&self, actor: &Actor, user: UserId) -> Result<()> {
        self.spend(actor, Action::Block, None).await?.keep();
        self.store.unblock(Unblock { actor: actor.profile.id, user }).await
    }

    /// The users whom a user has blocked, the latest block first.
    pub(crate) async fn blocked(&self, actor: &Actor, page: PageQuery) -> Result<Page<BlockedUser>> {
        self.pay_read(actor)?;
        self.store.list_blocked(ListBlocked { user: actor.profile.id, page }).await
    }
}
