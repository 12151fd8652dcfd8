//! How a session subscribes to a topic: register with the hub, then read the topic's state from the store.
//!
//! The order is what makes a subscription complete. This gateway is a listener of the topic before the store is asked
//! for its head. So an event is either in the store's answer or arrives at the hub afterwards. The hub keeps what
//! arrives until the dialect has written the store's answer and activates the subscription
//! ([`Hubs::activate`](crate::hub::Hubs::activate)); the hub then drops what that answer contained.

use madang_domain::{Code, Cursor, Epoch, Error, Result, RoomId, Seq, TopicId, event::Event};
use madang_rpc::store::{Open, OpenInbox, Opened, OpenedInbox};

use super::{
    context::SessionContext,
    replay::{FIRST_EVENTS, Missed},
};
use crate::hub::Listener;

impl SessionContext {
    /// Registers with a topic's hub and then carries out `open`, which reads the topic's state. A failure ends the
    /// registration.
    ///
    /// Where the topic has no hub here, `judge` comes first: neither a hub nor the registration of this gateway is made for
    /// somebody who may not subscribe. It says nothing of the topic's state, which is read once this gateway listens.
    pub(crate) async fn subscribe<T>(
        &self,
        topic: TopicId,
        listener: Listener,
        judge: impl Future<Output = Result<()>>,
        open: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let hubs = &self.sockets.hubs;
        if !hubs.attach_if_known(topic, listener.clone()).await {
            judge.await?;
            hubs.attach(topic, listener).await;
        }
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

    /// Reads a room's state from the store, and what was missed after a cursor: the first events of it, where they are few.
    pub(crate) async fn open_room(&self, room: RoomId, since: Option<Cursor>) -> Result<(Opened, Missed)> {
        let replay_limit = self.replay_limit();
        let open = Open { user: self.me.id, room, since, replay_limit };
        let mut opened = self.sockets.store.open(open).await?;
        let events = std::mem::take(&mut opened.events);
        let missed = self.missed(since, opened.epoch, opened.head, events);
        Ok((opened, missed))
    }

    /// Whether the user may subscribe to a room. `permission_denied`, `not_found`: not.
    pub(crate) async fn judge_room(&self, room: RoomId) -> Result<()> {
        let open = Open { user: self.me.id, room, since: None, replay_limit: 0 };
        self.sockets.store.open(open).await.map(drop)
    }

    /// Reads the state of the user's inbox from the store, with the events after a cursor.
    pub(crate) async fn open_inbox(&self, since: Option<Cursor>) -> Result<(OpenedInbox, Missed)> {
        let replay_limit = self.replay_limit();
        let mut opened =
            self.sockets.store.open_inbox(OpenInbox { user: self.me.id, since, replay_limit }).await?;
        let events = std::mem::take(&mut opened.events);
        let missed = self.missed(since, opened.epoch, opened.head, events);
        Ok((opened, missed))
    }

    fn replay_limit(&self) -> u32 {
        self.sockets.settings.replay_max_events.min(FIRST_EVENTS)
    }

    fn missed(&self, since: Option<Cursor>, epoch: Epoch, head: Seq, events: Vec<Event>) -> Missed {
        Missed::of(since, epoch, head, self.sockets.settings.replay_max_events, events)
    }

    /// Notes that a subscription was refused, where it was: who asks for what is not theirs is slowed down.
    pub(crate) fn note_refused(&self, error: &Error) {
        if matches!(error.code, Code::PermissionDenied | Code::NotFound) {
            self.sockets.user_limits.note_refused_subscription(&self.usage);
        }
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
                format!(
                    "a socket subscribes to at most {most} rooms; unsubscribe from some, or open another socket"
                ),
            ));
        }
        rooms.extend(wanted);
        Ok(())
    }
}
