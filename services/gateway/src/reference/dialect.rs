//! The dialect of the reference contract's sockets.

use std::sync::Arc;

use madang_domain::{IdempotencyKey, Result, RoomId, Seq, TopicId};
use madang_kit::{clock::new_id, telemetry::SPAN_TARGET};
use tracing::Instrument as _;

use super::{
    alerts::Alert,
    frames,
    incoming::{self, Said},
    names::Room,
};
use crate::{
    commands::{self, NewMessage},
    session::{Command, Dialect, SessionContext},
};

/// What a socket hears and says.
pub(super) struct Reference {
    /// To what it listens.
    pub(super) topic: TopicId,
    /// The place after which it hears everything.
    pub(super) seen: Seq,
    pub(super) speech: Speech,
}

/// What a socket may say.
pub(super) enum Speech {
    /// Messages that name their room and sender.
    Addressed(Box<Room>),
    /// Messages alone.
    Plain(RoomId),
    /// Nothing.
    Silent,
}

/// A message on its way to the log.
pub(super) struct Message {
    room: RoomId,
    said: Said,
}

impl Dialect for Reference {
    type Request = Message;

    /// The handshake's answer is out: what waited behind it follows, then all that happens.
    fn begin(&self, session: &Arc<SessionContext>) -> Option<Command> {
        let (session, topic, seen) = (Arc::clone(session), self.topic, self.seen);
        // In a room the user is present; nobody is in an inbox.
        let card = topic.room().and_then(|_| commands::card_of(&session.edge, &session));
        Some(Box::pin(async move { session.edge.hubs.activate(topic, session.connection, seen, card).await }))
    }

    fn read(&self, session: &SessionContext, text: &str) -> Option<Message> {
        let (room, said) = match &self.speech {
            Speech::Addressed(room) => (room.id, incoming::addressed(text, room, &session.me)),
            Speech::Plain(room) => (*room, incoming::plain(text)),
            Speech::Silent => return None,
        };
        match said {
            Ok(said) => Some(Message { room, said }),
            Err(why) => {
                alert(session, why);
                None
            }
        }
    }

    fn carry_out(&self, session: &Arc<SessionContext>, message: Message) -> Command {
        let session = Arc::clone(session);
        let span = tracing::trace_span!(target: SPAN_TARGET, "command", kind = "reference_message");
        let work = async move {
            // Its answer is the message itself, which the sender hears as everybody does.
            if let Err(error) = send(&session, message).await {
                commands::log(&error);
                alert(&session, error.code.into());
            }
        };
        Box::pin(work.instrument(span))
    }
}

async fn send(session: &SessionContext, message: Message) -> Result<()> {
    let Message { room, said: Said { text, key } } = message;
    let edge = &session.edge;
    let key = match key {
        Some(key) => key,
        // Of this frame: the gateway's own repeats of it are one message, the client's are messages of their own.
        None => IdempotencyKey::new(new_id(&*edge.clock, &*edge.random).to_string())?,
    };
    let message = NewMessage { key, text, reply_to: None, attachments: Vec::new() };
    commands::send(edge, &session.me, &session.budget, room, message).await.map(drop)
}

fn alert(session: &SessionContext, why: Alert) {
    session.outbox.push(frames::alert(&why.text()));
}
