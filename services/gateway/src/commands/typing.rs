//! Typing.

use madang_domain::{Code, ConnectionId, Error, Result, RoomId};

use super::{Action, Commands};
use crate::{
    admission::Actor,
    fanout::{Publication, TypingChange},
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
        let user = self.budgets.present_profile(actor);
        let (name, connection) = (user.name.as_str().to_owned(), Some(connection));
        let change = vec![Publication::Typing(TypingChange { room, user: user.id, connection, name, on })];
        self.fanout.publish(&change);
        self.fanout.deliver_all(change).await;
        Ok(())
    }
}
