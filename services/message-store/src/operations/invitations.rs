//! Nobody is made a member against their will: who may add whom.

use madang_domain::{AddedBy, UserId};
use madang_rpc::store::Authority;

use super::engine::Engine;
use crate::{error::OperationResult, store::Connection};

/// By what right users are made members, and what counts for those who have set nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consent {
    pub(crate) authority: Authority,
    pub(crate) default: AddedBy,
}

impl Consent {
    /// Of users, those who have blocked the actor. The site always may.
    pub(crate) async fn blockers(
        self,
        transaction: &mut dyn Connection,
        actor: UserId,
        users: &[UserId],
    ) -> OperationResult<Vec<UserId>> {
        if self.authority == Authority::Site {
            return Ok(Vec::new());
        }
        Ok(transaction.blockers(actor, users).await?)
    }

    /// Whether the actor may make another user a member.
    pub(crate) async fn is_given(
        self,
        transaction: &mut dyn Connection,
        actor: UserId,
        user: UserId,
    ) -> OperationResult<bool> {
        if self.authority == Authority::Site || actor == user {
            return Ok(true);
        }
        Ok(match transaction.added_by(user).await?.unwrap_or(self.default) {
            AddedBy::Anyone => true,
            AddedBy::Shared => transaction.share_a_room(actor, user).await?,
            AddedBy::Nobody => false,
        })
    }
}

impl Engine {
    /// The consent to what is done by a right.
    pub(crate) const fn consent(&self, authority: Authority) -> Consent {
        Consent { authority, default: self.added_by }
    }
}
