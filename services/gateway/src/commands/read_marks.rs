//! Read marks: the user's own, and those of a room's members.

use std::sync::Arc;

use madang_domain::{ConnectionId, Result, RoomRef, Seq};
use madang_rpc::store::{GetReads, MarkRead, ReadMark, RoomReads};

use super::{Action, Commands, Committed};
use crate::{
    admission::Actor,
    fanout::{EphemeralFrame, Publication},
    formats::native,
    hub::Audience,
};

impl Commands {
    /// Moves a user's read mark and tells the user's other devices. Where the room shows it, its members are told in a
    /// moment, by each gateway to those who are there.
    pub(crate) async fn mark_read(
        &self,
        actor: &Actor,
        connection: Option<ConnectionId>,
        room: RoomRef,
        seq: Seq,
    ) -> Result<ReadMark> {
        let spent = self.spend(actor, Action::MarkRead, None).await?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "mark read", async move {
            let mark = store.mark_read(MarkRead { user, room, seq }).await?;
            let frame = native::read_frame(mark.room, user, mark.read);
            let audience = Audience::Only(user, connection);
            let publication = Publication::Ephemeral(EphemeralFrame {
                topic: mark.room.into(),
                audience,
                frame,
                moves_marks: mark.shown,
                change: None,
            });
            Ok(Committed { value: mark, publications: vec![publication] })
        })
        .await
    }

    /// How far the members of a room have read it.
    pub(crate) async fn reads(&self, actor: &Actor, room: RoomRef) -> Result<RoomReads> {
        self.pay_read(actor)?;
        self.store.get_reads(GetReads { user: Some(actor.profile.id), room }).await
    }
}
