//! From gateway to gateway: what is published, and what arrives.

use std::sync::Arc;

use bytes::Bytes;
use madang_bus::{Bus, Delivery, Inbox};
use madang_contract::{self as frames, ServerFrame, WireFrame};
use madang_domain::{ConnectionId, ParseIdError, RoomId, Seq, TopicId, UserId};
use madang_kit::telemetry;
use madang_proto::gateway::v1 as proto;
use madang_rpc::{
    event::Event,
    grpc::{DecodeError, decode_event, encode_event},
};
use prost::Message as _;
use tracing::{Instrument as _, Span, info, warn};

use crate::{
    format::Format,
    hub::{Audience, Hubs},
};

/// The one way by which anything reaches listeners: to the hubs here and the gateways elsewhere.
#[derive(Clone)]
pub(crate) struct Fanout {
    hubs: Hubs,
    bus: Arc<dyn Bus>,
}

/// A moment that no log keeps.
#[derive(Debug, Clone)]
pub(crate) enum Moment {
    /// A member types, or has stopped.
    Typing {
        /// The name to show.
        name: String,
        /// Types.
        on: bool,
    },
    /// A member has read up to a place.
    ReadMark {
        /// The place.
        seq: Seq,
    },
}

impl Fanout {
    pub(crate) fn new(hubs: Hubs, bus: Arc<dyn Bus>) -> Self {
        Self { hubs, bus }
    }

    /// Sends a committed event to all who listen, anywhere.
    pub(crate) async fn event(&self, event: Arc<Event>) {
        self.publish_event(&event);
        self.hubs.deliver(event).await;
    }

    /// Sends a committed event to those who listen elsewhere; never waits.
    pub(crate) fn publish_event(&self, event: &Event) {
        self.publish(event.topic, proto::envelope::Content::Event(encode_event(event)));
    }

    /// Sends an event that is published already to those who listen here.
    pub(crate) async fn deliver(&self, event: Arc<Event>) {
        self.hubs.deliver(event).await;
    }

    /// Sends events, in order.
    pub(crate) async fn events(&self, events: Vec<Event>) {
        for event in events {
            self.event(Arc::new(event)).await;
        }
    }

    /// Sends a moment of a member's to those whom it concerns: typing to the other members, a read mark to
    /// the user's other devices.
    pub(crate) async fn moment(
        &self,
        room: RoomId,
        user: UserId,
        from: Option<ConnectionId>,
        moment: Moment,
    ) {
        self.publish(room.into(), encode_moment(room, user, &moment));
        self.say(room, user, from, moment).await;
    }

    async fn say(&self, room: RoomId, user: UserId, from: Option<ConnectionId>, moment: Moment) {
        let (frame, audience) = match moment {
            Moment::Typing { name, on } => (
                ServerFrame::Typing(frames::Typing { room, user, name: name.into(), on }),
                Audience::AllBut(user),
            ),
            Moment::ReadMark { seq } => {
                (ServerFrame::Read(frames::Read { room, user, seq }), Audience::Only(user, from))
            }
        };
        // The reference contract has no word for either.
        self.hubs.say(room.into(), WireFrame::json(&frame), Format::Native, audience).await;
    }

    fn publish(&self, topic: TopicId, content: proto::envelope::Content) {
        let envelope = proto::Envelope { content: Some(content), traceparent: telemetry::traceparent() };
        // Never waits. What the bus drops it counts, and the other gateways' sweeps find it in the log.
        let _ = self.bus.publish(topic, Bytes::from(envelope.encode_to_vec()));
    }

    /// Takes what other gateways published, until the bus closes.
    pub(crate) async fn receive(self, mut inbox: Inbox) {
        while let Some(delivery) = inbox.recv().await {
            match delivery {
                Delivery::Entries(entries) => self.take(entries).await,
                Delivery::Presence(changes) => self.hubs.presence(changes).await,
                Delivery::Reset(reason) => {
                    info!(%reason, "comparing all heads with the store");
                    self.hubs.sweep_all().await;
                }
                Delivery::PeerGone(gateway) => {
                    info!(%gateway, "another gateway died; comparing all heads with the store");
                    self.hubs.sweep_all().await;
                }
            }
        }
    }

    async fn take(&self, entries: Vec<Bytes>) {
        let span = tracing::trace_span!(target: telemetry::SPAN_TARGET, "deliver", entries = entries.len());
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            match decode(entry, &span) {
                Ok(Received::Event(event)) => events.push(Arc::new(event)),
                Ok(Received::Moment(room, user, moment)) => self.say(room, user, None, moment).await,
                // An entry of a later version's, perhaps: what matters of it is in the log.
                Err(error) => warn!(%error, "an entry of another gateway cannot be read"),
            }
        }
        self.hubs.deliver_all(events).instrument(span).await;
    }
}

enum Received {
    Event(Event),
    Moment(RoomId, UserId, Moment),
}

fn encode_moment(room: RoomId, user: UserId, moment: &Moment) -> proto::envelope::Content {
    let (room, user) = (room.to_bytes().into(), user.to_bytes().into());
    match moment {
        Moment::Typing { name, on } => {
            proto::envelope::Content::Typing(proto::Typing { room, user, name: name.clone(), on: *on })
        }
        Moment::ReadMark { seq } => {
            proto::envelope::Content::ReadMark(proto::ReadMark { room, user, seq: seq.get() })
        }
    }
}

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("not an envelope: {0}")]
    Envelope(#[from] prost::DecodeError),
    #[error(transparent)]
    Event(#[from] DecodeError),
    #[error(transparent)]
    Id(#[from] ParseIdError),
    #[error("an envelope without content")]
    Empty,
}

fn decode(entry: Bytes, span: &Span) -> Result<Received, EntryError> {
    let envelope = proto::Envelope::decode(entry)?;
    telemetry::link(span, envelope.traceparent);
    match envelope.content {
        Some(proto::envelope::Content::Event(event)) => Ok(Received::Event(decode_event(event)?)),
        Some(proto::envelope::Content::Typing(typing)) => Ok(Received::Moment(
            RoomId::from_bytes(&typing.room)?,
            UserId::from_bytes(&typing.user)?,
            Moment::Typing { name: typing.name, on: typing.on },
        )),
        Some(proto::envelope::Content::ReadMark(mark)) => Ok(Received::Moment(
            RoomId::from_bytes(&mark.room)?,
            UserId::from_bytes(&mark.user)?,
            Moment::ReadMark { seq: Seq::new(mark.seq) },
        )),
        None => Err(EntryError::Empty),
    }
}
