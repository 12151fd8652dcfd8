//! Read marks.

use std::sync::Arc;

use madang_domain::{ConnectionId, Result, RoomRef, Seq, UserId};
use madang_rpc::store::{MarkRead, ReadMark};

use super::{Commands, Committed};
use crate::fanout::{EphemeralEvent, Publication, Signal};

impl Commands {
    /// Moves a user's read mark and tells the user's other devices.
    pub(crate) async fn mark_read(
        &self,
        user: UserId,
        connection: Option<ConnectionId>,
        room: RoomRef,
        seq: Seq,
    ) -> Result<ReadMark> {
        let store = Arc::clone(&self.store);
        self.commit("mark read", async move {
            let mark = store.mark_read(MarkRead { user, room, seq }).await?;
            let signal = Signal::ReadMark { seq: mark.read };
            let event = EphemeralEvent { room: mark.room, user, connection, signal };
            Ok(Committed { value: mark, publications: vec![Publication::Ephemeral(event)] })
        })
        .await
    }
}
