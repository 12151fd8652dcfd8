//! Typing.

use madang_domain::{Code, ConnectionId, Error, Result, RoomId, Seq};

use super::{Action, Commands};
use crate::{
    admission::Actor,
    fanout::{Publication, TypingChange},
};

impl Commands {
    /// Tells the other members that a user types in a room or in a thread of it, or has stopped. Only a socket that subscribes to the room may do so, as
    /// its hub knows: the store judged the membership when the subscription was opened, and the hub ends the
    /// subscription with the membership.
    pub(crate) async fn typing(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: RoomId,
        on: bool,
        thread: Option<Seq>,
    ) -> Result<()> {
        match self.hubs.is_typing_news(room.into(), connection, on, thread).await {
            None => return Err(Error::new(Code::FailedPrecondition, "subscribe to the room first")),
            // The others know: it is not told again, and costs nothing.
            Some(false) => return Ok(()),
            Some(true) => {}
        }
        if actor.usage.as_ref().is_some_and(|usage| usage.hides().typing) {
            return Ok(());
        }
        self.spend(actor, Action::Type, Some(room)).await?.keep();
        let user = self.budgets.present_profile(actor);
        let (name, connection) = (user.name.as_str().to_owned(), Some(connection));
        let but_for = actor.usage.as_ref().map(|usage| usage.blocked()).unwrap_or_default();
        let change = TypingChange { room, user: user.id, connection, name, on, thread, but_for };
        let change = vec![Publication::Typing(change)];
        self.fanout.publish(&change);
        self.fanout.deliver_all(change).await;
        Ok(())
    }
}
