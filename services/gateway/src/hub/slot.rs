//! A hub and what its shard knows of it.

use std::time::Duration;

use madang_bus::Bus;
use madang_domain::{ConnectionId, Seq, TopicId};
use tokio::{sync::oneshot, time::Instant};

use super::{
    message::Attached,
    repair::Repair,
    topic_hub::TopicHub,
    typists::{Ended, TypingSignal, Typists},
};

/// How long a hub without subscribers stays a listener, so that a reconnect or the next subscriber finds it
/// registered.
const LINGER: Duration = Duration::from_secs(30);
/// The same for an inbox, which has one user: long enough for that user's reconnect. Where thousands come and go in a
/// second, most hubs are such inboxes.
const INBOX_LINGER: Duration = Duration::from_secs(5);

/// A hub and what its shard knows of it.
pub(super) struct Slot {
    pub(super) hub: TopicHub,
    pub(super) typists: Typists,
    /// Those who wait until this gateway is a listener; none once it is.
    pub(super) joining: Option<Vec<oneshot::Sender<Attached>>>,
    pub(super) repair: Repair,
    pub(super) active_at: Instant,
    pub(super) idle_since: Option<Instant>,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self {
            hub: TopicHub::default(),
            typists: Typists::default(),
            joining: Some(Vec::new()),
            repair: Repair::Idle,
            active_at: Instant::now(),
            idle_since: None,
        }
    }

    /// Whether it is news to the others that the user of a socket types or has stopped; none where the socket does not
    /// subscribe.
    pub(super) fn is_typing_news(
        &self,
        connection: ConnectionId,
        on: bool,
        thread: Option<Seq>,
        now: Instant,
    ) -> Option<bool> {
        let user = self.hub.user_of(connection)?;
        Some(self.typists.is_news(user, connection, on, thread, now))
    }

    /// Tells the others that somebody types or has stopped.
    pub(super) fn say_typing(&mut self, signal: &TypingSignal, now: Instant) {
        if self.typists.note(signal, now) {
            self.hub.say_to_others(&signal.frame, signal.user, &signal.but_for);
        }
    }

    /// Tells that somebody's typing has ended.
    pub(super) fn say_typing_ended(&mut self, topic: TopicId, ended: Ended, bus: &dyn Bus) {
        self.hub.say_to_others(&ended.frame, ended.user, &ended.but_for);
        if let Some(entry) = ended.entry {
            // Where it is lost, the other gateways see the time pass.
            let _ = bus.publish(topic, entry);
        }
    }

    /// Ends the typing whose time is over, or whose socket has gone without a word.
    pub(super) fn end_lapsed_typing(&mut self, topic: TopicId, now: Instant, bus: &dyn Bus) {
        if self.typists.is_empty() {
            return;
        }
        for ended in self.typists.lapsed(now, |connection| self.hub.user_of(connection).is_some()) {
            self.say_typing_ended(topic, ended, bus);
        }
    }
}

/// How long a topic's hub without subscribers is kept.
pub(super) const fn linger(topic: TopicId) -> Duration {
    match topic {
        TopicId::Room(_) => LINGER,
        TopicId::Inbox(_) => INBOX_LINGER,
    }
}
