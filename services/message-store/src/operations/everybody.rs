//! Messages that mention everybody in their room: `@all` and `@here`.
//!
//! A text of a sender who may not mention everybody is a plain one. The transaction of the message notes that members are
//! to be told, and costs no more for a million members than for one. Whoever sent it asks for that afterwards, some members at a
//! time. By `@all` each gets a notice, exactly once: the notices of some members and the place after them are one
//! transaction. What is left undone because that process died is done by a task of the store. By `@here` only devices are
//! told that are connected, which the store does not know and their gateways do: the store says of whom, and writes
//! nothing. What is left undone of it then is over.

use madang_domain::{
    Authority, MentionAll, RoomAction, RoomId, RoomRef, Seq, TopicId, UserId,
    event::{Event, EventBody, Mention},
};
use madang_rpc::store::{Append, TellMembers, ToldMembers};
use uuid::Uuid;

use super::{engine::Engine, mentions, reply_notices::ReplyNotices};
use crate::{
    error::OperationResult,
    settings::{ROOM_MEMBER_TELLS_MAX, TELL_CHUNK_MEMBERS, TELL_OVERDUE, TELLS_PER_ROUND},
    store::{Connection, MemberTell},
    transaction::{finish, in_transaction},
};

impl Engine {
    /// Whether a message mentions everybody, by its text and its sender's role. It is asked before, so that the text of who may
    /// not is appended as every other, and judged once more under the room's lock.
    pub(crate) async fn mentions_everybody(&self, append: &Append) -> OperationResult<Option<MentionAll>> {
        let Append { room, actor, message, authority } = append;
        let Some(whom) = mentions::everybody(&message.text) else { return Ok(None) };
        let mut connection = self.database.reader().await?;
        let outcome = may_mention_everybody(&mut *connection, *room, actor.id, *authority).await;
        Ok(finish(connection, outcome).await?.then_some(whom))
    }
}

async fn may_mention_everybody(
    connection: &mut dyn Connection,
    room: RoomId,
    sender: UserId,
    authority: Authority,
) -> OperationResult<bool> {
    if authority == Authority::Site {
        return Ok(RoomAction::MentionAll.permission().site);
    }
    let Some(view) = connection.view(sender, &RoomRef::Id(room)).await? else { return Ok(false) };
    let flags = view.room.flags;
    let role = view.place.map(|place| place.role);
    Ok(role.is_some_and(|role| RoomAction::MentionAll.is_permitted(authority, role, flags)))
}

/// Whom a new text mentions besides those whom it names. The caller has the room's lock. Where members are still to be told of
/// so many messages of the room, the text is plain, too: each is worth as many notices as there are members.
pub(super) async fn judge(
    transaction: &mut dyn Connection,
    room: RoomId,
    sender: UserId,
    authority: Authority,
    asked: Option<MentionAll>,
) -> OperationResult<Option<MentionAll>> {
    let Some(whom) = asked else { return Ok(None) };
    if !may_mention_everybody(transaction, room, sender, authority).await? {
        return Ok(None);
    }
    let waiting = transaction.count_member_tells(room, ROOM_MEMBER_TELLS_MAX).await?;
    Ok((waiting < u64::from(ROOM_MEMBER_TELLS_MAX)).then_some(whom))
}

/// The same of a message that is appended alone, before that takes the room's lock.
pub(super) async fn judge_append(
    transaction: &mut dyn Connection,
    append: (RoomId, UserId, Authority),
    asked: Option<MentionAll>,
) -> OperationResult<Option<MentionAll>> {
    if asked.is_none() {
        return Ok(None);
    }
    let (room, sender, authority) = append;
    transaction.lock_room(&RoomRef::Id(room)).await?;
    judge(transaction, room, sender, authority, asked).await
}

/// Notes that members are to be told of a message.
pub(super) const fn tell_of(room: RoomId, message: Seq, whom: MentionAll, by_site: bool) -> MemberTell {
    MemberTell { room, message, whom, by_site, told_to: UserId::new(Uuid::nil()) }
}

impl ReplyNotices {
    /// Tells some members of a message that mentions everybody, and answers whether there are more.
    pub(crate) async fn tell_members(&self, request: TellMembers) -> OperationResult<ToldMembers> {
        let TellMembers { room, message } = request;
        in_transaction!(self, "tell_members", |transaction| {
            match transaction.lock_member_tell(room, message).await? {
                Some(tell) => self.tell_some_members(transaction, tell).await,
                None => Ok(ToldMembers::default()),
            }
        })
    }

    async fn tell_some_members(
        &self,
        transaction: &mut dyn Connection,
        mut tell: MemberTell,
    ) -> OperationResult<ToldMembers> {
        let MemberTell { room, message, whom, by_site, told_to } = tell;
        let said = transaction.message(room, message).await?;
        // One that was deleted meanwhile, or edited to say something else, is told to nobody further.
        let Some(said) = said.filter(|said| said.detail.mentions_all == Some(whom)) else {
            transaction.save_member_tell(&tell, false).await?;
            return Ok(ToldMembers::default());
        };
        let mut members = transaction.members_since(room, said.at, told_to, TELL_CHUNK_MEMBERS).await?;
        let more = members.len() as u64 == u64::from(TELL_CHUNK_MEMBERS);
        if let Some(last) = members.last() {
            tell.told_to = *last;
        }
        let blockers = if by_site { Vec::new() } else { transaction.blockers(said.sender, &members).await? };
        // An inbox that is erased is not begun anew: who is not erased now is not until this transaction ends.
        let erased = transaction.erased_among(&members).await?;
        let silent = transaction.silent_members(room, &members, self.clock.now()).await?;
        members.retain(|user| {
            let is_told_else = *user == said.sender || said.detail.mentions.contains(user);
            !is_told_else && !blockers.contains(user) && !erased.contains(user) && !silent.contains(user)
        });
        transaction.save_member_tell(&tell, more).await?;
        if whom == MentionAll::Here {
            return Ok(ToldMembers { events: Vec::new(), here: members, more });
        }
        let sender = transaction.profile(said.sender).await?;
        let body = EventBody::Mention(Mention { room, seq: message });
        // In the order of users, as inboxes are locked.
        let told = transaction.insert_notices(&members, said.sender, &body, self.clock.now()).await?;
        let event = |(user, seq, at)| {
            let (topic, actor) = (TopicId::Inbox(user), std::sync::Arc::clone(&sender));
            Event { topic, seq, at, actor, subject: None, body: body.clone() }
        };
        Ok(ToldMembers { events: told.into_iter().map(event).collect(), here: Vec::new(), more })
    }

    /// Does what others left undone of messages that mention everybody.
    pub(super) async fn tell_overdue_members(&self) -> OperationResult<()> {
        let before = self.clock.now().minus(TELL_OVERDUE);
        let mut connection = self.database.reader().await?;
        let overdue = connection.overdue_member_tells(before, TELLS_PER_ROUND).await?;
        finish(connection, Ok(())).await?;
        for (room, message, whom) in overdue {
            let done = match whom {
                MentionAll::All => self.tell_all_members(TellMembers { room, message }).await,
                MentionAll::Here => self.give_up_here(room, message).await,
            };
            // One that cannot be told holds up no other, and is tried again in the next round.
            if let Err(error) = done {
                tracing::warn!(%room, %message, %error, "members could not be told; trying again later");
            }
        }
        Ok(())
    }

    async fn tell_all_members(&self, tell: TellMembers) -> OperationResult<()> {
        while self.tell_members(tell).await?.more {}
        Ok(())
    }

    /// Who was here a minute ago may not be now.
    async fn give_up_here(&self, room: RoomId, message: Seq) -> OperationResult<()> {
        in_transaction!(self, "give_up_here", |transaction| {
            match transaction.lock_member_tell(room, message).await? {
                Some(tell) if tell.whom == MentionAll::Here => {
                    Ok(transaction.save_member_tell(&tell, false).await?)
                }
                _ => Ok(()),
            }
        })
    }
}
