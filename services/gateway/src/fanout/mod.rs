//! The only path to subscribers: to the hubs of this gateway, and through the bus to the other gateways.

pub(crate) mod envelope;
mod publication;
mod receive;
mod spans;

use std::sync::Arc;

pub(crate) use self::publication::{
    BlockChange, EphemeralFrame, ProfileChange, Publication, ShownChange, StatusChange, TypingChange,
};
use self::spans::Spans;
use crate::{
    admission::{Hides, UserLimits},
    formats::{Format, native, presence_profile},
    hub::{Arrival, Hubs, ProfileNews, ShownNews, TYPING_EXPIRES, TypingEnd, TypingSignal},
};
use madang_bus::Bus;
use madang_domain::UserId;
use madang_trace::Kept;
use tokio::sync::{Mutex, Notify};

/// Publishes to the other gateways and delivers to the sockets of this one.
#[derive(Clone)]
pub(crate) struct Fanout {
    hubs: Hubs,
    bus: Arc<dyn Bus>,
    /// The users who are here, of whom the present profile is kept.
    users: Arc<UserLimits>,
    spans: Spans,
    /// Held while a hub is told what a user shows: what was noted later reaches it later.
    shown: Arc<Mutex<()>>,
    /// What other gateways told may be lost.
    lost: Arc<Notify>,
}

impl Fanout {
    pub(crate) fn new(hubs: Hubs, bus: Arc<dyn Bus>, users: Arc<UserLimits>) -> Self {
        let spans = Spans::new(bus.medium());
        Self { hubs, bus, users, spans, shown: Arc::default(), lost: Arc::default() }
    }

    /// Publishes to those who listen at other gateways. Never waits: the bus counts what it drops, and the other
    /// gateways' sweeps find dropped events in the log.
    pub(crate) fn publish(&self, publications: &[Publication]) {
        if publications.is_empty() {
            return;
        }
        self.spans.publishing(publications.len()).in_scope(|| {
            for publication in publications {
                let _ = self.bus.publish(publication.topic(), envelope::encode(publication));
            }
        });
    }

    /// Delivers to those who listen at this gateway.
    pub(crate) async fn deliver_all(&self, publications: Vec<Publication>) {
        let span = if publications.is_empty() { None } else { self.spans.delivering() };
        for publication in publications {
            self.deliver(publication, span.clone()).await;
        }
    }

    /// Delivers one publication. What is written of it keeps the span; typing and profiles are out of it when the hub has
    /// them.
    async fn deliver(&self, publication: Publication, span: Option<Kept>) {
        match publication {
            Publication::Event(event) => self.hubs.deliver(Arrival { event, span }).await,
            Publication::Ephemeral(EphemeralFrame { topic, audience, frame, moves_marks, change }) => {
                let frame = if let Some(span) = span { frame.keeping(span) } else { frame };
                match change {
                    Some(change) => self.hubs.settings(topic, change, frame).await,
                    None => self.hubs.say(topic, frame, Format::Native, audience).await,
                }
                if moves_marks {
                    self.hubs.marks_moved(topic).await;
                }
            }
            Publication::Typing(change) => self.hubs.typing(change.room.into(), typing(&change)).await,
            Publication::MarksMoved(room) => self.hubs.marks_moved(room.into()).await,
            Publication::Profile(change) => self.profile(change).await,
            Publication::Status(StatusChange { topic, news }) => self.hubs.status(topic, news).await,
            Publication::Shown(change) => self.shown(change).await,
            Publication::Blocked(change) => {
                self.users.note_blocked(change.user, change.other, change.on, change.version);
            }
        }
    }

    async fn profile(&self, ProfileChange { topic, user }: ProfileChange) {
        // Changes may overtake each other between gateways: the latest that is known here is the one that is told.
        let user = self.users.note_profile(user);
        let (frame, card) = (native::profile_frame(&user), presence_profile::encode(&user));
        self.hubs.profile(topic, ProfileNews { user, frame, card }).await;
    }
}

impl Fanout {
    async fn shown(&self, ShownChange { topic, user, hides }: ShownChange) {
        let _turn = self.shown.lock().await;
        // Changes may overtake each other between gateways: the latest that is known here is the one that counts.
        let hides = self.users.note_hides(user.id, hides);
        if topic.room().is_some() {
            let card = presence_profile::encode(&user);
            self.hubs.shown(topic, ShownNews { user: user.id, hides: hides.presence, card }).await;
        }
    }

    /// Waits until what other gateways told may be lost, since this was last asked.
    pub(crate) async fn may_have_lost(&self) {
        self.lost.notified().await;
    }

    /// Notes what users hide, as it was read. Who hides the presence is present in no room any more.
    pub(crate) async fn hide(&self, read: impl IntoIterator<Item = (UserId, Hides)>) {
        let _turn = self.shown.lock().await;
        let hides = read.into_iter().filter(|(user, hides)| self.users.note_hides(*user, *hides).presence);
        self.hubs.hide_presence(hides.map(|(user, _)| user).collect()).await;
    }
}

/// That a member types or has stopped, with the end that it comes to by itself.
fn typing(change: &TypingChange) -> TypingSignal {
    let frame = |on: bool| {
        let expires_ms = on.then_some(TYPING_EXPIRES.as_millis() as u64);
        native::typing_frame(change.room, change.user, &change.name, expires_ms, change.thread)
    };
    // Only the gateway of the typist's socket tells the others of its end.
    let entry = || envelope::encode(&Publication::Typing(TypingChange { on: false, ..change.clone() }));
    let end = || TypingEnd { frame: frame(false), entry: change.connection.map(|_| entry()) };
    TypingSignal {
        user: change.user,
        connection: change.connection,
        thread: change.thread,
        but_for: in_order(&change.but_for),
        frame: frame(change.on),
        end: change.on.then(end),
    }
}

/// The same users in order. They come in the order in which they were blocked.
fn in_order(users: &Arc<[UserId]>) -> Arc<[UserId]> {
    if users.is_sorted() {
        return Arc::clone(users);
    }
    let mut users = users.to_vec();
    users.sort_unstable();
    users.into()
}

#[cfg(test)]
mod tests {
    use madang_domain::{ConnectionId, RoomId};

    use super::*;

    fn signal(connection: Option<u64>, but_for: &[u128]) -> TypingSignal {
        let user = |number: u128| UserId::new(uuid::Uuid::from_u128(number));
        typing(&TypingChange {
            room: RoomId::new(uuid::Uuid::from_u128(1)),
            user: user(2),
            connection: connection.map(ConnectionId::new),
            name: "Mina".to_owned(),
            on: true,
            thread: None,
            but_for: but_for.iter().copied().map(user).collect(),
        })
    }

    /// The hub looks for each subscriber among them.
    #[test]
    fn whom_typing_does_not_reach_is_in_order() {
        for but_for in [&[5, 4, 9, 3, 7][..], &[3, 4, 5], &[]] {
            let told = signal(None, but_for).but_for;
            assert!(told.is_sorted() && told.len() == but_for.len(), "{told:?}");
        }
    }

    #[test]
    fn the_end_of_typing_is_made_for_other_gateways_where_the_socket_is() {
        assert!(signal(Some(1), &[]).end.unwrap().entry.is_some());
        assert!(signal(None, &[]).end.unwrap().entry.is_none());
    }
}
