//! The only path to subscribers: to the hubs of this gateway, and through the bus to the other gateways.

mod envelope;
mod publication;
mod receive;

use std::sync::Arc;

use madang_bus::Bus;
use madang_contract::{self as frames, ServerFrame, WireFrame};
use madang_domain::{ConnectionId, RoomId, UserId};

pub(crate) use self::publication::{EphemeralEvent, Publication, Signal};
use crate::{
    formats::Format,
    hub::{Audience, Hubs, TYPING_EXPIRES, TypingEnd, TypingSignal},
};

/// Publishes to the other gateways and delivers to the sockets of this one.
#[derive(Clone)]
pub(crate) struct Fanout {
    hubs: Hubs,
    bus: Arc<dyn Bus>,
}

impl Fanout {
    pub(crate) fn new(hubs: Hubs, bus: Arc<dyn Bus>) -> Self {
        Self { hubs, bus }
    }

    /// Publishes to those who listen at other gateways. Never waits: the bus counts what it drops, and the other
    /// gateways' sweeps find dropped events in the log.
    pub(crate) fn publish(&self, publication: &Publication) {
        let _ = self.bus.publish(publication.topic(), envelope::encode(publication));
    }

    /// Delivers to those who listen at this gateway.
    pub(crate) async fn deliver(&self, publication: Publication) {
        match publication {
            Publication::Event(event) => self.hubs.deliver(event).await,
            Publication::Ephemeral(event) => self.signal(event).await,
        }
    }

    async fn signal(&self, EphemeralEvent { room, user, connection, signal }: EphemeralEvent) {
        let (frame, audience) = match signal {
            Signal::Typing { name, on } => {
                let signal = typing(room, user, connection, &name, on);
                return self.hubs.typing(room.into(), signal).await;
            }
            Signal::ReadMark { seq } => {
                (ServerFrame::Read(frames::Read { room, user, seq }), Audience::Only(user, connection))
            }
        };
        // The Channels dialect has no frame for either.
        self.hubs.say(room.into(), WireFrame::json(&frame), Format::Native, audience).await;
    }
}

/// That somebody types or has stopped, with the end that it comes to by itself.
fn typing(
    room: RoomId,
    user: UserId,
    connection: Option<ConnectionId>,
    name: &str,
    on: bool,
) -> TypingSignal {
    let frame = |on: bool| {
        let expires_ms = on.then_some(TYPING_EXPIRES.as_millis() as u64);
        let typing = frames::Typing { room, user, name: name.into(), on, expires_ms };
        WireFrame::json(&ServerFrame::Typing(typing))
    };
    let end = || {
        let signal = Signal::Typing { name: name.to_owned(), on: false };
        let stopped = Publication::Ephemeral(EphemeralEvent { room, user, connection, signal });
        TypingEnd { frame: frame(false), entry: envelope::encode(&stopped) }
    };
    TypingSignal { user, connection, frame: frame(on), end: on.then(end) }
}
