//! Read marks.

use std::sync::Arc;

use madang_domain::{ConnectionId, Result, RoomRef, Seq};
use madang_rpc::store::{MarkRead, ReadMark};

use super::{Action, Commands, Committed};
use crate::{
    admission::Actor,
    fanout::{EphemeralFrame, Publication},
    formats::native,
    hub::Audience,
};

impl Commands {
    /// Moves a user's read mark and tells the user's other devices.
    pub(crate) async fn mark_read(
        &self,
        actor: &Actor,
        connection: Option<ConnectionId>,
        room: RoomRef,
        seq: Seq,
    ) -> Result<ReadMark> {
        let spent = self.spend(actor, Action::MarkRead, None)?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "mark read", async move {
            let mark = store.mark_read(MarkRead { user, room, seq }).await?;
            let frame = native::read_frame(mark.room, user, mark.read);
            let audience = Audience::Only(user, connection);
            let publication = Publication::Ephemeral(EphemeralFrame { room: mark.room, audience, frame });
            Ok(Committed { value: mark, publications: vec![publication] })
        })
        .await
    }
}
