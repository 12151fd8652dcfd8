//! How a session subscribes to a topic: register with the hub, then read the topic's state from the store.
//!
//! The order is what makes a subscription complete. This gateway is a listener of the topic before the store is asked
//! for its head. So an event is either in the store's answer or arrives at the hub afterwards. The hub keeps what
//! arrives until the dialect has written the store's answer and activates the subscription
//! ([`Hubs::activate`](crate::hub::Hubs::activate)); the hub then drops what that answer contained.

use madang_domain::{Code, Cursor, Error, Result, RoomId, TopicId};
use madang_rpc::store::{Open, OpenInbox, Opened, OpenedInbox};

use super::context::SessionContext;
use crate::hub::Listener;

impl SessionContext {
    /// Registers with a topic's hub and then carries out `open`, which reads the topic's state. A failure ends the
    /// registration.
    pub(crate) async fn subscribe<T>(
        &self,
        topic: TopicId,
        listener: Listener,
        open: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let listening = self.sockets.hubs.attach(topic, listener).await;
        // A hub that is gone does not answer: the gateway is stopping.
        let _ = listening.await;
        let opened = open.await;
        if opened.is_err() {
            self.unsubscribe(topic).await;
        }
        opened
    }

    /// Ends the registration with a topic's hub.
    pub(crate) async fn unsubscribe(&self, topic: TopicId) {
        self.sockets.hubs.detach(topic, self.connection).await;
    }

    /// Reads a room's state from the store, with the events after a cursor.
    pub(crate) async fn open_room(&self, room: RoomId, since: Option<Cursor>) -> Result<Opened> {
        let replay_limit = self.sockets.settings.replay_max_events;
        self.sockets.store.open(Open { user: self.me.id, room, since, replay_limit }).await
    }

    /// Reads the state of the user's inbox from the store, with the events after a cursor.
    pub(crate) async fn open_inbox(&self, since: Option<Cursor>) -> Result<OpenedInbox> {
        let replay_limit = self.sockets.settings.replay_max_events;
        self.sockets.store.open_inbox(OpenInbox { user: self.me.id, since, replay_limit }).await
    }

    /// Notes as many of these rooms as fit into the limit of one socket, the first ones first, and returns those.
    pub(crate) fn reserve_what_fits(&self, wanted: Vec<RoomId>) -> Vec<RoomId> {
        let mut rooms = self.rooms();
        let most = self.sockets.settings.max_socket_rooms;
        let mut fits = |room: &RoomId| rooms.contains(room) || (rooms.len() < most && rooms.insert(*room));
        wanted.into_iter().filter(|room| fits(room)).collect()
    }

    /// Notes the rooms that the socket is to subscribe to, within the limit of one socket.
    pub(crate) fn reserve_rooms(&self, wanted: &[RoomId]) -> Result<()> {
        let mut rooms = self.rooms();
        let new = wanted.iter().filter(|room| !rooms.contains(room)).count();
        let most = self.sockets.settings.max_socket_rooms;
        if rooms.len() + new > most {
            return Err(Error::new(
                Code::FailedPrecondition,
                format!("a socket listens to at most {most} rooms; unsubscribe from some, or open another"),
            ));
        }
        rooms.extend(wanted);
        Ok(())
    }
}
