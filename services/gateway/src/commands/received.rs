//! What members' devices have received. Devices acknowledge at the same moment what was sent to all of them, so that is
//! collected here and noted by few calls.

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, ConnectionId, Error, Result, RoomId, Seq};
use madang_rpc::store::MarkDelivered;

use super::{Action, Commands};
use crate::{admission::Actor, fanout::Publication, log};

/// Acknowledgements of so long are noted together.
const COLLECT: Duration = Duration::from_millis(500);
/// The marks of one call.
const MARKS_PER_CALL: usize = 500;

impl Commands {
    /// Notes that a device of a member has received the events of a room, in a moment. Only a socket that subscribes to the
    /// room may say so.
    pub(crate) async fn received(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: RoomId,
        seq: Seq,
    ) -> Result<()> {
        self.spend(actor, Action::Acknowledge, None).await?.keep();
        if !self.hubs.listens(room.into(), connection).await {
            return Err(Error::new(Code::FailedPrecondition, "subscribe to the room first"));
        }
        if self.received.add(room, actor.profile.id, seq) {
            let (received, store) = (Arc::clone(&self.received), Arc::clone(&self.store));
            let fanout = self.fanout.clone();
            self.tasks.spawn_contained("note received", async move {
                tokio::time::sleep(COLLECT).await;
                for marks in received.take().chunks(MARKS_PER_CALL) {
                    match store.mark_delivered(MarkDelivered { marks: marks.to_vec() }).await {
                        Ok(rooms) => {
                            let moved: Vec<_> = rooms.into_iter().map(Publication::MarksMoved).collect();
                            fanout.publish(&moved);
                            fanout.deliver_all(moved).await;
                        }
                        // The next acknowledgement makes it good.
                        Err(error) => log::failed_request(&error),
                    }
                }
            });
        }
        Ok(())
    }
}
