//! Whom users have blocked.
//!
//! What a block forbids is judged where it would be done: appends in the database's own statements, changes of rooms by
//! [`RoomChange`](super::room_change::RoomChange).

use std::sync::Arc;

use madang_database::DatabaseError;
use madang_domain::{Profile, RoomRef, Timestamp, UserId, limits::BLOCKED_USERS_MAX};
use madang_rpc::store::{BlockedUser, ChangedBlocks, Page, PageQuery};

use super::{
    engine::Engine,
    page::{self, Place},
};
use crate::{
    error::{OperationError, OperationResult},
    store::ByBlock,
    transaction::in_transaction,
};

impl Place for ByBlock {
    const LIST: &'static str = "b";

    fn parts(&self) -> String {
        format!("{:x}.{}", self.at.as_micros(), self.blocked.uuid().simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (at, blocked) = text.split_once('.')?;
        Some(Self { at: page::micros(at)?, blocked: UserId::new(page::uuid(blocked)?) })
    }
}

impl Engine {
    pub(crate) async fn block(
        &self,
        actor: Arc<Profile>,
        user: Arc<Profile>,
    ) -> OperationResult<ChangedBlocks> {
        if actor.id == user.id {
            return Err(OperationError::BlockSelf);
        }
        // So that both have one: the actor's is locked, the other's is listed.
        self.remember([&actor, &user]).await?;
        let (blocker, blocked) = (actor.id, user.id);
        in_transaction!(self, "block", |transaction| {
            // What is sent there holds the room's lock, and rooms are locked first.
            let direct = transaction.direct_room(blocker, blocked).await?;
            if let Some(room) = direct {
                transaction.lock_room(&RoomRef::Id(room)).await?;
            }
            transaction.lock_blocks(blocker).await?;
            if transaction.is_any_erased(&[blocker]).await? {
                return Err(OperationError::UserErased);
            }
            if direct.is_none() && transaction.direct_room(blocker, blocked).await?.is_some() {
                let reason = "the direct room was made meanwhile";
                return Err(DatabaseError::Conflict(reason.into()).into());
            }
            // Also of a repeat: what is told of it is told as the last that happened.
            let version = transaction.change_blocks(blocker, self.clock.now()).await?;
            if !transaction.insert_block(blocker, blocked, self.clock.now()).await? {
                return Ok(ChangedBlocks { version });
            }
            if transaction.count_blocks(blocker).await? > u64::from(BLOCKED_USERS_MAX) {
                return Err(OperationError::TooManyBlocked(BLOCKED_USERS_MAX));
            }
            transaction.take_back_invitations(blocked, blocker).await?;
            Ok(ChangedBlocks { version })
        })
    }

    pub(crate) async fn unblock(&self, actor: UserId, user: UserId) -> OperationResult<ChangedBlocks> {
        in_transaction!(self, "unblock", |transaction| {
            // As a block takes it: of both at once, the one that is committed last has the later version.
            transaction.lock_blocks(actor).await?;
            transaction.delete_block(actor, user).await?;
            if transaction.is_any_erased(&[actor]).await? {
                return Ok(ChangedBlocks { version: Timestamp::default() });
            }
            let version = transaction.change_blocks(actor, self.clock.now()).await?;
            Ok(ChangedBlocks { version })
        })
    }

    pub(crate) async fn blocked(&self, user: UserId, query: PageQuery) -> OperationResult<Page<BlockedUser>> {
        let (limit, after) = page::check::<ByBlock>(&query)?;
        let mut connection = self.database.reader().await?;
        let blocked = connection.blocked(user, after, limit + 1).await?;
        connection.commit().await?;
        let place = |blocked: &BlockedUser| ByBlock { at: blocked.at, blocked: blocked.user.id };
        let (items, next) = page::cut(blocked, limit, false, place);
        Ok(Page { items, next })
    }
}
