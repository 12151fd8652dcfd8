//! Deletions of messages.

use madang_domain::{
    AuditAction, Authority, RoomAction, RoomRef,
    event::{Deleted, EventBody},
};
use madang_rpc::store::{Changed, DeleteMessage};

use super::{
    engine::Engine,
    room_change::{RoomChange, permit},
    threads,
};
use crate::{
    error::OperationResult,
    store::{AuditRecord, MessageDetail, MessageRecord},
    transaction::in_transaction,
};

impl Engine {
    pub(crate) async fn delete_message(&self, request: DeleteMessage) -> OperationResult<Changed<()>> {
        let DeleteMessage { actor, authority, room, message } = request;
        self.remember(&actor).await?;
        in_transaction!(self, "delete_message", |transaction| {
            let nobody = madang_domain::UserId::new(uuid::Uuid::nil());
            let of = actor.as_ref().map_or(nobody, |actor| actor.id);
            let mut change = RoomChange::begin(transaction, of, &RoomRef::Id(room), self.clock.now()).await?;
            let role = if actor.is_some() { Some(change.actor().await?.role) } else { None };
            let deleted = change.message(message).await?;
            let flags = change.room.flags;
            match role {
                None => change.act_for(deleted.sender),
                // One's own word one may take back, while muted too. In a direct room nobody is a moderator.
                Some(role) if deleted.sender == of => {
                    permit(RoomAction::DeleteOwn, Authority::User, role, flags)?;
                }
                Some(role) => permit(RoomAction::DeleteOthers, Authority::User, role, flags)?,
            }
            if !deleted.detail.deleted {
                let sender = deleted.sender;
                erase(&mut change, deleted).await?;
                let (of, authority) = match role {
                    Some(_) => (of, authority),
                    None => (sender, Authority::Site),
                };
                if authority.is_by_site() || sender != of {
                    let record = AuditRecord::new(AuditAction::MessageDeleted, of, authority);
                    change.record(record.to(sender).of_message(message)).await?;
                }
            }
            change.finish(()).await
        })
    }
}

/// Leaves of a message its place, its sender and its key, which makes a repeated send the same.
pub(super) async fn erase(change: &mut RoomChange<'_>, message: MessageRecord) -> OperationResult<()> {
    let room = change.room.id;
    if let Some(edit) = message.detail.edit {
        change.transaction.erase_edit(room, edit.event, message.seq, edit.revision).await?;
    }
    change.transaction.erase_message(room, &message).await?;
    if message.detail.attachments.iter().any(|attachment| attachment.file.is_some()) {
        change.transaction.remove_files_of(room, message.seq, change.now).await?;
    }
    let thread = threads::take_out(change, &message).await?;
    // Of threads it says no text: the place of the message, and under a root the thread that goes on.
    let MessageDetail { reply_to, in_thread, thread: of_root, .. } = &message.detail;
    let (reply_to, in_thread, of_root) = (*reply_to, in_thread.clone(), of_root.clone());
    let detail =
        MessageDetail { reply_to, deleted: true, in_thread, thread: of_root, ..MessageDetail::default() };
    let erased = MessageRecord { text: String::new(), detail, ..message };
    change.transaction.save_message(room, &erased).await?;
    change.transaction.unindex(room, erased.seq).await?;
    change.add(None, EventBody::Deleted(Deleted { message: erased.seq, thread })).await
}
