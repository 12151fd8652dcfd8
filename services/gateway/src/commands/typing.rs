//! Typing.

use madang_domain::{Code, ConnectionId, Error, Result, RoomId};

use super::{Action, Commands};
use crate::{
    admission::Actor,
    fanout::{EphemeralEvent, Publication, Signal},
};

impl Commands {
    /// Tells the other members that a user types, or has stopped. Only a socket that subscribes to the room may do so, as
    /// its hub knows: the store judged the membership when the subscription was opened, and the hub ends the
    /// subscription with the membership.
    pub(crate) async fn typing(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: RoomId,
        on: bool,
    ) -> Result<()> {
        match self.hubs.is_typing_news(room.into(), connection, on).await {
            None => return Err(Error::new(Code::FailedPrecondition, "subscribe to the room first")),
            // The others know: it is not told again, and costs nothing.
            Some(false) => return Ok(()),
            Some(true) => {}
        }
        self.spend(actor, Action::Type, Some(room))?.keep();
        let user = &actor.profile;
        let signal = Signal::Typing { name: user.name.as_str().to_owned(), on };
        let connection = Some(connection);
        let event = Publication::Ephemeral(EphemeralEvent { room, user: user.id, connection, signal });
        self.fanout.publish(&event);
        self.fanout.deliver(event).await;
        Ok(())
    }
}
