//! An entry of the bus: what one gateway publishes and the others read.

use std::sync::Arc;

use bytes::Bytes;
use madang_contract::WireFrame;
use madang_domain::{ParseIdError, RoomId, Seq, Timestamp, TopicId, UserId};
use madang_proto::gateway::v1 as proto;
use madang_rpc::wire::{
    DecodeError, decode_event, decode_profile, decode_topic, encode_event, encode_profile, encode_topic,
};
use madang_trace::SpanContext;
use prost::Message as _;

use super::publication::{
    BlockChange, EphemeralFrame, ProfileChange, Publication, ShownChange, StatusChange, TypingChange,
};
use crate::{
    admission::Hides,
    hub::{Audience, SettingsChange, StatusNews},
};

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvelopeError {
    #[error("not an envelope: {0}")]
    Envelope(#[from] prost::DecodeError),
    #[error(transparent)]
    Event(#[from] DecodeError),
    #[error(transparent)]
    Id(#[from] ParseIdError),
    #[error("an envelope without content")]
    Empty,
    #[error("an ephemeral frame for an unknown audience")]
    Audience,
    #[error("an ephemeral frame that is no text: {0}")]
    Text(#[from] std::str::Utf8Error),
}

/// Encodes a publication, with the trace that it belongs to.
pub(crate) fn encode(publication: &Publication) -> Bytes {
    let content = match publication {
        Publication::Event(event) => proto::envelope::Content::Event(encode_event(event)),
        Publication::Ephemeral(frame) => proto::envelope::Content::EphemeralFrame(encode_ephemeral(frame)),
        Publication::Typing(TypingChange { room, user, connection: _, name, on, thread, but_for }) => {
            proto::envelope::Content::Typing(proto::Typing {
                room: room.to_bytes().into(),
                user: user.to_bytes().into(),
                name: name.clone(),
                on: *on,
                // No message has the place 0.
                thread: thread.map_or(0, Seq::get),
                but_for: but_for.iter().map(|user| user.to_bytes().into()).collect(),
            })
        }
        Publication::MarksMoved(room) => {
            proto::envelope::Content::MarksMoved(proto::MarksMoved { room: room.to_bytes().into() })
        }
        Publication::Profile(ProfileChange { topic, user }) => {
            proto::envelope::Content::ProfileChange(proto::ProfileChange {
                topic: Some(encode_topic(*topic)),
                user: Some(encode_profile(user)),
            })
        }
        Publication::Status(StatusChange { topic, news }) => {
            proto::envelope::Content::StatusChange(proto::StatusChange {
                topic: Some(encode_topic(*topic)),
                user: news.user.to_bytes().into(),
                version_micros: news.version.as_micros(),
                but_for: news.but_for().iter().map(|user| user.to_bytes().into()).collect(),
                json: news.frame.payload().to_vec().into(),
            })
        }
        Publication::Shown(ShownChange { topic, user, hides }) => {
            proto::envelope::Content::ShownChange(proto::ShownChange {
                topic: Some(encode_topic(*topic)),
                user: Some(encode_profile(user)),
                hides_presence: hides.presence,
                hides_typing: hides.typing,
                version_micros: hides.version.as_micros(),
            })
        }
        Publication::Blocked(BlockChange { user, other, on, version }) => {
            proto::envelope::Content::BlockChange(proto::BlockChange {
                user: user.to_bytes().into(),
                other: other.to_bytes().into(),
                on: *on,
                version_micros: version.as_micros(),
            })
        }
    };
    let envelope = proto::Envelope { content: Some(content), traceparent: madang_trace::traceparent() };
    Bytes::from(envelope.encode_to_vec())
}

fn encode_ephemeral(ephemeral: &EphemeralFrame) -> proto::EphemeralFrame {
    let EphemeralFrame { topic, audience, frame, moves_marks, change } = ephemeral;
    let (room, inbox) = match topic {
        TopicId::Room(room) => (room.to_bytes().into(), Bytes::new()),
        TopicId::Inbox(user) => (Bytes::new(), user.to_bytes().into()),
    };
    let (kind, user) = match audience {
        Audience::Everybody => (proto::EphemeralAudience::Everybody, None),
        Audience::AllBut(user) => (proto::EphemeralAudience::AllBut, Some(user)),
        Audience::Only(user, _connection_of_this_gateway) => (proto::EphemeralAudience::Only, Some(user)),
    };
    proto::EphemeralFrame {
        room,
        inbox,
        audience: kind.into(),
        user: user.map(|user| user.to_bytes().into()).unwrap_or_default(),
        json: frame.payload().to_vec().into(),
        moves_marks: *moves_marks,
        version_micros: change.map_or(0, |change| change.version.as_micros()),
        version_of: change
            .and_then(|change| change.of)
            .map(|room| room.to_bytes().into())
            .unwrap_or_default(),
    }
}

fn decode_ephemeral(encoded: &proto::EphemeralFrame) -> Result<EphemeralFrame, EnvelopeError> {
    let user = || UserId::from_bytes(&encoded.user);
    let audience = match encoded.audience() {
        proto::EphemeralAudience::Everybody => Audience::Everybody,
        proto::EphemeralAudience::AllBut => Audience::AllBut(user()?),
        proto::EphemeralAudience::Only => Audience::Only(user()?, None),
        proto::EphemeralAudience::Unspecified => return Err(EnvelopeError::Audience),
    };
    let topic = if encoded.inbox.is_empty() {
        TopicId::Room(RoomId::from_bytes(&encoded.room)?)
    } else {
        TopicId::Inbox(UserId::from_bytes(&encoded.inbox)?)
    };
    let frame = WireFrame::text(std::str::from_utf8(&encoded.json)?);
    let of = Some(&encoded.version_of).filter(|of| !of.is_empty());
    let of = of.map(|of| RoomId::from_bytes(of)).transpose()?;
    let version = Some(encoded.version_micros).filter(|version| *version > 0);
    let change = version.map(|version| SettingsChange { of, version: Timestamp::from_micros(version) });
    Ok(EphemeralFrame { topic, audience, frame, moves_marks: encoded.moves_marks, change })
}

/// Decodes an entry, with the span in which it was published, if that is known.
pub(crate) fn decode(entry: Bytes) -> Result<(Publication, Option<SpanContext>), EnvelopeError> {
    let envelope = proto::Envelope::decode(entry)?;
    let publication = decode_content(envelope.content.ok_or(EnvelopeError::Empty)?)?;
    Ok((publication, madang_trace::parse(&envelope.traceparent)))
}

fn decode_content(content: proto::envelope::Content) -> Result<Publication, EnvelopeError> {
    match content {
        proto::envelope::Content::Event(event) => Ok(Publication::Event(Arc::new(decode_event(event)?))),
        proto::envelope::Content::EphemeralFrame(frame) => {
            Ok(Publication::Ephemeral(decode_ephemeral(&frame)?))
        }
        proto::envelope::Content::Typing(proto::Typing { room, user, name, on, thread, but_for }) => {
            let (room, user) = (RoomId::from_bytes(&room)?, UserId::from_bytes(&user)?);
            let thread = Some(Seq::new(thread)).filter(|root| *root != Seq::START);
            let but_for = but_for.iter().map(|user| UserId::from_bytes(user)).collect::<Result<_, _>>()?;
            Ok(Publication::Typing(TypingChange { room, user, connection: None, name, on, thread, but_for }))
        }
        proto::envelope::Content::MarksMoved(moved) => {
            Ok(Publication::MarksMoved(RoomId::from_bytes(&moved.room)?))
        }
        proto::envelope::Content::ProfileChange(change) => Ok(Publication::Profile(ProfileChange {
            topic: decode_topic("topic", change.topic)?,
            user: Arc::new(decode_profile("user", change.user)?),
        })),
        proto::envelope::Content::StatusChange(change) => {
            let but_for = change.but_for.iter().map(|user| UserId::from_bytes(user));
            let news = StatusNews::new(
                UserId::from_bytes(&change.user)?,
                Timestamp::from_micros(change.version_micros),
                but_for.collect::<Result<_, _>>()?,
                WireFrame::text(std::str::from_utf8(&change.json)?),
            );
            Ok(Publication::Status(StatusChange { topic: decode_topic("topic", change.topic)?, news }))
        }
        proto::envelope::Content::ShownChange(change) => Ok(Publication::Shown(ShownChange {
            topic: decode_topic("topic", change.topic)?,
            user: Arc::new(decode_profile("user", change.user)?),
            hides: Hides {
                presence: change.hides_presence,
                typing: change.hides_typing,
                version: Timestamp::from_micros(change.version_micros),
            },
        })),
        proto::envelope::Content::BlockChange(change) => Ok(Publication::Blocked(BlockChange {
            user: UserId::from_bytes(&change.user)?,
            other: UserId::from_bytes(&change.other)?,
            on: change.on,
            version: Timestamp::from_micros(change.version_micros),
        })),
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{ConnectionId, DisplayName, Profile, Username};

    use super::*;

    fn through(audience: Audience) -> EphemeralFrame {
        let frame = WireFrame::text(r#"{"type":"status"}"#);
        let moves_marks = matches!(audience, Audience::Only(..));
        let topic = match audience {
            Audience::Only(user, _) => TopicId::Inbox(user),
            Audience::Everybody | Audience::AllBut(_) => RoomId::new(uuid::Uuid::from_u128(1)).into(),
        };
        let change = match audience {
            Audience::Everybody => None,
            Audience::AllBut(_) => Some(SettingsChange { of: None, version: Timestamp::from_micros(7) }),
            Audience::Only(..) => {
                let of = Some(RoomId::new(uuid::Uuid::from_u128(3)));
                Some(SettingsChange { of, version: Timestamp::from_micros(8) })
            }
        };
        let sent = EphemeralFrame { topic, audience, frame, moves_marks, change };
        let entry = encode(&Publication::Ephemeral(sent.clone()));
        let Ok((Publication::Ephemeral(received), None)) = decode(entry) else {
            panic!("an ephemeral frame is one at the other gateway")
        };
        assert_eq!((received.topic, &received.frame), (sent.topic, &sent.frame));
        assert_eq!((received.moves_marks, received.change), (sent.moves_marks, sent.change));
        received
    }

    #[test]
    fn an_ephemeral_frame_reaches_the_same_audience_at_another_gateway() {
        let user = UserId::new(uuid::Uuid::from_u128(2));
        assert!(matches!(through(Audience::Everybody).audience, Audience::Everybody));
        assert!(matches!(through(Audience::AllBut(user)).audience, Audience::AllBut(other) if other == user));
        // A connection is one of the gateway that publishes.
        let own = through(Audience::Only(user, Some(ConnectionId::new(1)))).audience;
        assert!(matches!(own, Audience::Only(other, None) if other == user));
    }

    #[test]
    fn what_a_user_hides_has_its_version_at_another_gateway() {
        let user = Profile {
            id: UserId::new(uuid::Uuid::from_u128(2)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("Mina").unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::from_micros(3),
        };
        let hides = Hides { presence: true, typing: false, version: Timestamp::from_micros(7) };
        let change = ShownChange { topic: TopicId::Inbox(user.id), user: Arc::new(user), hides };
        let entry = encode(&Publication::Shown(change));
        let Ok((Publication::Shown(received), None)) = decode(entry) else {
            panic!("it is one at the other gateway")
        };
        assert_eq!(received.hides, hides);
    }

    #[test]
    fn a_frame_for_an_unknown_audience_is_no_entry() {
        let frame = proto::EphemeralFrame { audience: 99, ..proto::EphemeralFrame::default() };
        let content = Some(proto::envelope::Content::EphemeralFrame(frame));
        let entry = proto::Envelope { content, traceparent: String::new() }.encode_to_vec();
        assert!(matches!(decode(entry.into()), Err(EnvelopeError::Audience)));
    }

    #[test]
    fn an_entry_may_name_its_trace_and_a_text_that_names_none_is_passed_over() {
        let entry = |traceparent: &str| {
            let audience = proto::EphemeralAudience::Everybody.into();
            let frame = proto::EphemeralFrame { audience, ..proto::EphemeralFrame::default() };
            let frame = proto::EphemeralFrame { room: vec![1; 16].into(), ..frame };
            let content = Some(proto::envelope::Content::EphemeralFrame(frame));
            decode(proto::Envelope { content, traceparent: traceparent.into() }.encode_to_vec().into())
                .unwrap()
                .1
        };
        let named = entry("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert!(named.is_some_and(|publisher| publisher.is_sampled() && publisher.is_remote()));
        for other in ["", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert!(entry(other).is_none(), "{other}");
        }
    }
}
