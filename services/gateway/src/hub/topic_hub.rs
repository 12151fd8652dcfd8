//! The hub of one topic: what has been delivered here, what waits for its predecessors, and who subscribes.
//!
//! A state machine without time, tasks or I/O: the shard that owns it feeds it events and asks what is
//! missing. It has one writer, so it needs no lock.

mod profiles;

use std::{collections::BTreeMap, sync::Arc};

use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{
    ConnectionId, Seq, UserId,
    event::{Event, EventBody, RoomChanged},
};

use super::{arrival::Arrival, held_frame::HeldFrame, presence::PresenceGuard};
use crate::{
    formats::{
        Encodings, Format,
        channels::{self, RoomContext},
    },
    outbox::{Close, Outbox},
};

/// The events that may wait for their predecessors. More are dropped here and read from the store with the rest.
const HELD_MAX_EVENTS: usize = 1_024;
/// The events that may wait behind one subscriber's catch-up, whose bytes are within the bound of the outbox. A subscriber
/// with more is too slow.
const PENDING_MAX_EVENTS: usize = 2_048;

/// A socket as hubs know it.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) connection: ConnectionId,
    pub(crate) user: UserId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) format: Format,
    /// What frames of the format need besides the event.
    pub(crate) room_context: Option<Arc<RoomContext>>,
}

/// A socket that subscribes to the topic.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Subscriber {
    connection: ConnectionId,
    user: UserId,
    outbox: Arc<Outbox>,
    format: Format,
    stage: Stage,
    /// Keeps the user present; all subscribers of the user share it.
    presence: Option<Arc<PresenceGuard>>,
    /// The user has hidden the presence since the socket was attached, and what its session knows of that is older.
    hides_presence: bool,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
enum Stage {
    /// The session still writes the events that were missed; later events wait here.
    CatchingUp {
        /// Everything that the hub delivered after this sequence number is pending; none before the hub begins.
        from: Option<Seq>,
        pending: Vec<Pending>,
    },
    /// Events go straight to the outbox. The session has been sent the log up to this sequence number: a hub that lags
    /// behind the store must not deliver it again.
    Live(Seq),
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Pending {
    seq: Seq,
    /// None where the subscriber's format has no frame for the event.
    frame: Option<HeldFrame>,
    /// The event ends the subscriber's membership.
    removes: bool,
}

/// The hub of one topic.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct TopicHub {
    /// The sequence number that was delivered last; none before the first subscription is open.
    head: Option<Seq>,
    /// The highest sequence number that is known, from an event or from the store.
    known: Seq,
    held: BTreeMap<Seq, Arrival>,
    subscribers: Vec<Subscriber>,
    /// What the frames of a format need besides the event. The last listener who had it brought it; it is the same for
    /// all.
    room_context: Option<Arc<RoomContext>>,
}

impl TopicHub {
    /// Adds a socket whose catch-up is about to be read from the store.
    pub(crate) fn attach(&mut self, listener: Listener) {
        let Listener { connection, user, outbox, format, room_context } = listener;
        self.detach(connection);
        self.room_context = room_context.or(self.room_context.take());
        let stage = Stage::CatchingUp { from: self.head, pending: Vec::new() };
        if self.subscribers.is_empty() {
            // Most hubs are of inboxes, and most of those have one socket.
            self.subscribers.reserve_exact(1);
        }
        self.subscribers.push(Subscriber {
            connection,
            user,
            outbox,
            format,
            stage,
            presence: None,
            hides_presence: false,
        });
    }

    /// The socket has been sent the log up to `seen`. Events that waited are delivered, then all that follow.
    pub(crate) fn activate(&mut self, connection: ConnectionId, seen: Seq) {
        // Where the store is ahead of this hub, the hub misses events.
        self.known = self.known.max(seen);
        if self.head.is_none() {
            self.begin(seen);
        }
        let Some(at) = self.subscribers.iter().position(|s| s.connection == connection) else { return };
        let Stage::CatchingUp { from, pending } = &mut self.subscribers[at].stage else { return };
        let mut pending = std::mem::take(pending);
        if Some(seen) < *from {
            // The pending events come once more, behind those that are missing before them.
            pending.clear();
            self.rewind(seen);
        }
        let subscriber = &mut self.subscribers[at];
        subscriber.stage = Stage::Live(seen);
        for pending in pending.into_iter().filter(|pending| pending.seq > seen) {
            // The hub may have gone back in the meantime: what is delivered here is not to be delivered again.
            subscriber.stage = Stage::Live(pending.seq);
            if let Some(frame) = pending.frame {
                subscriber.outbox.push(frame.release());
            }
            if pending.removes {
                // The events behind the removal are for members alone.
                self.subscribers.swap_remove(at).dismiss();
                return;
            }
        }
    }

    /// Keeps the user of a live socket present. The first of the user's sockets takes the guard; others share it.
    pub(crate) fn hold_presence(
        &mut self,
        connection: ConnectionId,
        take: impl FnOnce(UserId) -> Arc<PresenceGuard>,
    ) {
        let is_it = |s: &Subscriber| {
            s.connection == connection && matches!(s.stage, Stage::Live(_)) && !s.hides_presence
        };
        let Some(at) = self.subscribers.iter().position(is_it) else { return };
        let user = self.subscribers[at].user;
        let taken = self.subscribers.iter().filter(|s| s.user == user).find_map(|s| s.presence.clone());
        self.subscribers[at].presence = Some(taken.unwrap_or_else(|| take(user)));
    }

    /// Whether a socket subscribes to the topic.
    pub(crate) fn listens(&self, connection: ConnectionId) -> bool {
        self.subscribers.iter().any(|subscriber| subscriber.connection == connection)
    }

    /// The user of a socket that subscribes to the topic.
    pub(crate) fn user_of(&self, connection: ConnectionId) -> Option<UserId> {
        self.subscribers.iter().find(|subscriber| subscriber.connection == connection).map(|s| s.user)
    }

    /// The topic is gone with its log: every subscription ends.
    pub(crate) fn abandon(&mut self) {
        for subscriber in std::mem::take(self).subscribers {
            subscriber.dismiss();
        }
    }

    /// Removes a socket.
    pub(crate) fn detach(&mut self, connection: ConnectionId) {
        if let Some(at) = self.subscribers.iter().position(|s| s.connection == connection) {
            self.subscribers.swap_remove(at);
        }
    }

    /// Accepts an event, in any order and any number of times, and delivers what is contiguous.
    pub(crate) fn accept(&mut self, arrival: impl Into<Arrival>) {
        let arrival = arrival.into();
        let seq = arrival.event.seq;
        let Some(head) = self.head else {
            // No subscription is open yet: the store will say where the first one begins.
            self.known = self.known.max(seq);
            self.hold(arrival);
            return;
        };
        if seq <= head {
            return;
        }
        self.known = self.known.max(seq);
        if seq == head.next() {
            self.deliver(arrival);
            self.deliver_held();
        } else {
            self.hold(arrival);
        }
    }

    /// Delivers a frame that no log keeps to the live subscribers of one format in an audience. Answers to how many.
    pub(crate) fn say(&mut self, frame: &WireFrame, format: Format, audience: Audience) -> u64 {
        self.say_where(frame, format, |subscriber| audience.includes(subscriber))
    }

    /// Delivers such a frame of a user's to the others, but for those whom the user has blocked, in order. Where there are none,
    /// it is what it is without blocks.
    pub(crate) fn say_to_others(&mut self, frame: &WireFrame, user: UserId, but_for: &[UserId]) -> u64 {
        if but_for.is_empty() {
            return self.say(frame, Format::Native, Audience::AllBut(user));
        }
        self.say_where(frame, Format::Native, |subscriber| {
            // Many subscribers may be compared with many who are blocked.
            subscriber.user != user && but_for.binary_search(&subscriber.user).is_err()
        })
    }

    fn say_where(
        &mut self,
        frame: &WireFrame,
        format: Format,
        includes: impl Fn(&Subscriber) -> bool,
    ) -> u64 {
        let mut told = 0;
        self.subscribers.retain(|subscriber| {
            if subscriber.format == format
                && includes(subscriber)
                && matches!(subscriber.stage, Stage::Live(_))
            {
                told += u64::from(subscriber.outbox.push(frame.clone()));
            }
            !subscriber.outbox.is_closing()
        });
        told
    }

    /// Tells the room sockets of the Channels dialect that a user came or has gone. Answers how many were told.
    pub(crate) fn say_presence(&mut self, change: &PresenceChange) -> u64 {
        // Only such a socket brings a room context: most hubs have none.
        match self.room_context.as_ref().and_then(|_| channels::presence(change)) {
            Some(frame) => self.say(&frame, Format::Room, Audience::Everybody),
            None => 0,
        }
    }

    /// Notes a head that the store answered. This also counts before the first subscription is open, since that one may
    /// have been answered with an older head.
    pub(crate) fn note_head(&mut self, seq: Seq) {
        self.known = self.known.max(seq);
    }

    /// The sequence number after which events are missing here; none where none are.
    pub(crate) fn missing_after(&self) -> Option<Seq> {
        self.head.filter(|head| *head < self.known)
    }

    /// Removes the sockets that have closed. Answers whether any is left.
    pub(crate) fn prune(&mut self) -> bool {
        self.subscribers.retain(|subscriber| !subscriber.outbox.is_closing());
        !self.subscribers.is_empty()
    }

    /// The first subscription is open: this hub delivers what comes after `seen`. Other attached subscribers may have been
    /// answered with an older head, which shows when they are activated.
    fn begin(&mut self, seen: Seq) {
        self.head = Some(seen);
        for subscriber in &mut self.subscribers {
            if let Stage::CatchingUp { from, .. } = &mut subscriber.stage {
                *from = Some(seen);
            }
        }
        self.held.retain(|seq, _| *seq > seen);
        self.deliver_held();
    }

    /// A subscriber has seen less than this hub began with. The hub goes back to there and reads the events in between as
    /// if it had missed them. Subscribers who are live do not receive them again.
    fn rewind(&mut self, to: Seq) {
        let Some(delivered) = self.head.filter(|head| to < *head) else { return };
        self.head = Some(to);
        for subscriber in &mut self.subscribers {
            if let Stage::Live(seen) = &mut subscriber.stage {
                *seen = delivered.max(*seen);
            }
        }
    }

    fn hold(&mut self, arrival: Arrival) {
        if self.held.len() < HELD_MAX_EVENTS {
            self.held.insert(arrival.event.seq, arrival);
        }
    }

    fn deliver_held(&mut self) {
        while let Some(arrival) = self.head.and_then(|head| self.held.remove(&head.next())) {
            self.deliver(arrival);
        }
    }

    /// Delivers the next event to every subscriber, encoded once for each format.
    fn deliver(&mut self, Arrival { event, span }: Arrival) {
        let event = &*event;
        self.head = Some(event.seq);
        if self.subscribers.is_empty() {
            return;
        }
        let mut encoded = Encodings::of(event, self.room_context.as_deref(), span);
        let seq = event.seq;
        let removed = Removed::by(event);
        self.subscribers.retain_mut(|subscriber| {
            let removes = removed.includes(subscriber.user);
            match &mut subscriber.stage {
                Stage::Live(seen) if seq <= *seen => true,
                Stage::Live(_) => {
                    let told = match encoded.frame(subscriber.format) {
                        Some(frame) => subscriber.outbox.push_event(frame.clone(), event.at),
                        None => true,
                    };
                    if removes {
                        subscriber.dismiss();
                    }
                    told && !removes
                }
                // The hub has gone back, and this subscriber has the event.
                Stage::CatchingUp { from, pending }
                    if Some(seq) <= pending.last().map(|pending| pending.seq).or(*from) =>
                {
                    true
                }
                Stage::CatchingUp { pending, .. } if pending.len() < PENDING_MAX_EVENTS => {
                    let frame = encoded.frame(subscriber.format).cloned();
                    let held = frame.map(|frame| HeldFrame::hold(&subscriber.outbox, frame)).transpose();
                    let is_held = held.is_ok();
                    pending.extend(held.ok().map(|frame| Pending { seq, frame, removes }));
                    is_held
                }
                Stage::CatchingUp { .. } => {
                    subscriber.outbox.close(Close::TooSlow);
                    false
                }
            }
        });
    }
}

impl Subscriber {
    /// The topic is not for this subscriber any more. A socket that has no other topic closes.
    fn dismiss(&self) {
        if self.format.is_of_one_topic() {
            self.outbox.close(Close::Removed);
        }
    }
}

/// Who receives a frame that no log keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audience {
    /// All subscribers.
    Everybody,
    /// All but one user's sockets.
    AllBut(UserId),
    /// One user's sockets, except one of them.
    Only(UserId, Option<ConnectionId>),
}

impl Audience {
    fn includes(self, subscriber: &Subscriber) -> bool {
        match self {
            Self::Everybody => true,
            Self::AllBut(user) => subscriber.user != user,
            Self::Only(user, except) => subscriber.user == user && Some(subscriber.connection) != except,
        }
    }
}

/// Whose membership an event ends: authority follows the order of the log.
enum Removed {
    Nobody,
    One(UserId),
    Everybody,
}

/// Whose membership alone an event ends.
pub(super) fn removed_user(event: &Event) -> Option<UserId> {
    match Removed::by(event) {
        Removed::One(user) => Some(user),
        Removed::Nobody | Removed::Everybody => None,
    }
}

impl Removed {
    fn by(event: &Event) -> Self {
        match &event.body {
            EventBody::Left(_) => event.subject.as_ref().map_or(Self::Nobody, |user| Self::One(user.id)),
            EventBody::RoomChanged(RoomChanged { deleted: true, .. }) => Self::Everybody,
            _ => Self::Nobody,
        }
    }

    fn includes(&self, user: UserId) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => *one == user,
            Self::Everybody => true,
        }
    }
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod format_tests;
#[cfg(test)]
pub(super) mod tests;
