//! Whom users have blocked.

use std::sync::Arc;

use madang_domain::{Result, UserId};
use madang_rpc::store::{Block, BlockedUser, ChangedBlocks, ListBlocked, Page, PageQuery, Unblock};

use super::{Action, Commands, Committed};
use crate::{
    admission::Actor,
    fanout::{BlockChange, Publication},
};

impl Commands {
    /// Blocks a user. `not_found`: there is no such user.
    pub(crate) async fn block(&self, actor: &Actor, user: UserId) -> Result<()> {
        let spent = self.spend(actor, Action::Block, None).await?;
        let (user, actor) = (Arc::new(self.user(user).await?), Arc::clone(&actor.profile));
        let store = Arc::clone(&self.store);
        self.commit(spent, "block", async move {
            let (of, other) = (actor.id, user.id);
            let ChangedBlocks { version } = store.block(Block { actor, user }).await?;
            Ok(told(BlockChange { user: of, other, on: true, version }))
        })
        .await
    }

    /// Ends the block of a user, whether or not there is such a user.
    pub(crate) async fn unblock(&self, actor: &Actor, user: UserId) -> Result<()> {
        let spent = self.spend(actor, Action::Block, None).await?;
        let (store, actor) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "unblock", async move {
            let ChangedBlocks { version } = store.unblock(Unblock { actor, user }).await?;
            Ok(told(BlockChange { user: actor, other: user, on: false, version }))
        })
        .await
    }

    /// The users whom a user has blocked, the latest block first.
    pub(crate) async fn blocked(&self, actor: &Actor, page: PageQuery) -> Result<Page<BlockedUser>> {
        self.pay_read(actor)?;
        self.store.list_blocked(ListBlocked { user: actor.profile.id, page }).await
    }
}

/// The gateways at which the user is are told: what passes of the user does not reach whom the user has blocked.
fn told(change: BlockChange) -> Committed<()> {
    Committed { value: (), publications: vec![Publication::Blocked(change)] }
}
