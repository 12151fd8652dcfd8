//! Typing.

use madang_domain::{Code, ConnectionId, Error, Profile, Result, RoomId};

use super::Commands;
use crate::fanout::{EphemeralEvent, Publication, Signal};

impl Commands {
    /// Tells the other members that a user types, or has stopped. Only a socket that subscribes to the room may do so, as
    /// its hub knows: the store judged the membership when the subscription was opened, and the hub ends the
    /// subscription with the membership.
    pub(crate) async fn typing(
        &self,
        user: &Profile,
        connection: ConnectionId,
        room: RoomId,
        on: bool,
    ) -> Result<()> {
        if !self.hubs.listens(room.into(), connection).await {
            return Err(Error::new(Code::FailedPrecondition, "subscribe to the room first"));
        }
        let signal = Signal::Typing { name: user.name.as_str().to_owned(), on };
        let connection = Some(connection);
        let event = Publication::Ephemeral(EphemeralEvent { room, user: user.id, connection, signal });
        self.fanout.publish(&event);
        self.fanout.deliver(event).await;
        Ok(())
    }
}
