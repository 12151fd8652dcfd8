//! An entry of the bus: what one gateway publishes and the others read.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::{ParseIdError, RoomId, Seq, UserId};
use madang_kit::telemetry;
use madang_proto::gateway::v1 as proto;
use madang_rpc::wire::{DecodeError, decode_event, encode_event};
use prost::Message as _;
use tracing::Span;

use super::publication::{EphemeralEvent, Publication, Signal};

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnvelopeError {
    #[error("not an envelope: {0}")]
    Envelope(#[from] prost::DecodeError),
    #[error(transparent)]
    Event(#[from] DecodeError),
    #[error(transparent)]
    Id(#[from] ParseIdError),
    #[error("an envelope without content")]
    Empty,
}

/// Encodes a publication, with the trace that it belongs to.
pub(super) fn encode(publication: &Publication) -> Bytes {
    let content = match publication {
        Publication::Event(event) => proto::envelope::Content::Event(encode_event(event)),
        Publication::Ephemeral(event) => encode_signal(event),
    };
    let envelope = proto::Envelope { content: Some(content), traceparent: telemetry::traceparent() };
    Bytes::from(envelope.encode_to_vec())
}

fn encode_signal(event: &EphemeralEvent) -> proto::envelope::Content {
    let (room, user) = (event.room.to_bytes().into(), event.user.to_bytes().into());
    match &event.signal {
        Signal::Typing { name, on } => {
            proto::envelope::Content::Typing(proto::Typing { room, user, name: name.clone(), on: *on })
        }
        Signal::ReadMark { seq } => {
            proto::envelope::Content::ReadMark(proto::ReadMark { room, user, seq: seq.get() })
        }
    }
}

/// Decodes an entry, and links `span` to the trace in which it was published.
pub(super) fn decode(entry: Bytes, span: &Span) -> Result<Publication, EnvelopeError> {
    let envelope = proto::Envelope::decode(entry)?;
    telemetry::link(span, envelope.traceparent);
    let ephemeral = |room: &[u8], user: &[u8], signal| {
        let (room, user) = (RoomId::from_bytes(room)?, UserId::from_bytes(user)?);
        Ok(Publication::Ephemeral(EphemeralEvent { room, user, connection: None, signal }))
    };
    match envelope.content.ok_or(EnvelopeError::Empty)? {
        proto::envelope::Content::Event(event) => Ok(Publication::Event(Arc::new(decode_event(event)?))),
        proto::envelope::Content::Typing(typing) => {
            ephemeral(&typing.room, &typing.user, Signal::Typing { name: typing.name, on: typing.on })
        }
        proto::envelope::Content::ReadMark(mark) => {
            ephemeral(&mark.room, &mark.user, Signal::ReadMark { seq: Seq::new(mark.seq) })
        }
    }
}
