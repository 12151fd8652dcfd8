//! Reactions to messages.

use madang_domain::{
    Emoji, RoomAction,
    event::{EventBody, Reacted, Reactions},
    limits::MESSAGE_REACTIONS_MAX,
};
use madang_rpc::store::{Changed, React};

use super::{engine::Engine, room_change::RoomChange};
use crate::{
    error::{OperationError, OperationResult},
    transaction::in_transaction,
};

impl Engine {
    pub(crate) async fn react(&self, request: React) -> OperationResult<Changed<()>> {
        let React { actor, room, message, emoji, on } = request;
        self.remember([&actor]).await?;
        in_transaction!(self, "react", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            let member = change.permit(RoomAction::React).await?;
            change.refuse_blocked().await?;
            change.may_speak(&member)?;
            change.see(actor.id, message).await?;
            let mut record = change.message(message).await?;
            if record.detail.deleted {
                return Err(OperationError::MessageNotFound);
            }
            let room = change.room.id;
            if change.transaction.reacts(room, message, actor.id, &emoji).await? == on {
                return change.finish(()).await;
            }
            change.transaction.set_reaction(room, message, actor.id, &emoji, on).await?;
            let count = count(&mut record.detail.reactions, &emoji, on)?;
            change.transaction.save_message(room, &record).await?;
            change
                .add(None, EventBody::Reacted(Reacted { message, emoji: emoji.clone(), on, count }))
                .await?;
            change.finish(()).await
        })
    }
}

/// Counts a reaction that begins or ends, under the room's lock. Answers how many there are of the emoji now.
pub(super) fn count(reactions: &mut Vec<Reactions>, emoji: &Emoji, on: bool) -> OperationResult<u64> {
    let Some(place) = reactions.iter().position(|of| of.emoji == *emoji) else {
        if !on {
            return Ok(0);
        }
        if reactions.len() >= MESSAGE_REACTIONS_MAX {
            return Err(OperationError::TooManyReactions);
        }
        reactions.push(Reactions { emoji: emoji.clone(), count: 1, me: None });
        return Ok(1);
    };
    let of = &mut reactions[place];
    of.count = if on { of.count + 1 } else { of.count.saturating_sub(1) };
    let count = of.count;
    if count == 0 {
        reactions.remove(place);
    }
    Ok(count)
}
