//! What the sockets of the Channels dialect send and receive.

use std::{sync::Arc, time::Instant};

use madang_domain::{Result, RoomId, Seq, TopicId};
use tracing::Instrument as _;

use super::{
    alerts::Alert,
    incoming::{self, Said},
};
use crate::{
    commands::{Commands, NewMessage},
    formats::{channels, site_names::Room},
    log,
    metrics::{FrameType, OfLimit},
    session::{Dialect, RequestFuture, SessionContext},
    trace,
};

/// The dialect of one socket.
pub(super) struct Channels {
    pub(super) commands: Arc<Commands>,
    /// The topic that it subscribes to.
    pub(super) topic: TopicId,
    /// The sequence number after which it receives everything.
    pub(super) seen: Seq,
    pub(super) sends: Sends,
}

/// What a socket may send.
pub(super) enum Sends {
    /// Messages that name their room and sender.
    Addressed(Box<Room>),
    /// Only messages.
    Plain(RoomId),
    /// Nothing.
    Nothing,
}

/// A message to append to the log.
pub(super) struct Message {
    room: RoomId,
    said: Said,
}

impl Dialect for Channels {
    type Request = Message;

    /// The answer to the handshake has been sent. Waiting events follow it, then live events.
    fn begin(&self, session: &Arc<SessionContext>) -> Option<RequestFuture> {
        let (session, topic, seen) = (Arc::clone(session), self.topic, self.seen);
        // A user is present in rooms, but not in an inbox.
        let commands = Arc::clone(&self.commands);
        Some(Box::pin(async move {
            // Nothing is waited for before it: what has happened since the handshake waits in the hub.
            session.sockets.hubs.activate(topic, session.connection, seen, None).await;
            if topic.room().is_none() {
                return;
            }
            let tasks = commands.tasks.clone();
            tasks.spawn_contained("channels presence", async move {
                // What the user hides meanwhile, the hub knows.
                if let Some(profile) = commands.asked_presence_profile(&session.profile()).await {
                    session.sockets.hubs.hold_presence(topic, session.connection, profile).await;
                }
            });
        }))
    }

    fn read(&self, session: &SessionContext, text: &str) -> Option<Message> {
        let (room, said) = match &self.sends {
            Sends::Addressed(room) => (room.id, incoming::addressed(text, room, &session.me)),
            Sends::Plain(room) => (*room, incoming::plain(text)),
            Sends::Nothing => {
                session.sockets.counters.frames_in.add(FrameType::Invalid, 1);
                return None;
            }
        };
        let kind = if said.is_ok() { FrameType::ChannelsMessage } else { FrameType::Invalid };
        session.sockets.counters.frames_in.add(kind, 1);
        match said {
            Ok(said) => Some(Message { room, said }),
            Err(why) => {
                alert(session, why);
                None
            }
        }
    }

    fn carry_out(&self, session: &Arc<SessionContext>, message: Message) -> RequestFuture {
        let (commands, session) = (Arc::clone(&self.commands), Arc::clone(session));
        let span = trace::command("channels_message");
        let work = async move {
            let began = Instant::now();
            // The answer is the message itself, which the sender receives like everybody.
            let sent = send(&commands, &session, message).await;
            let outcome = sent.as_ref().err().map_or("ok", |error| error.code.as_str());
            session.sockets.recorders.commands.record(began.elapsed().as_secs_f64(), ["send", outcome]);
            if let Err(error) = sent {
                trace::failed(&error);
                log::failed_request(&error);
                if let Some(limit) = error.limit {
                    session.sockets.counters.rate_limited.add(OfLimit(limit), 1);
                }
                alert(&session, error.code.into());
            }
        };
        Box::pin(work.instrument(span))
    }
}

async fn send(commands: &Commands, session: &SessionContext, message: Message) -> Result<()> {
    let Message { room, said: Said { text, key } } = message;
    let key = match key {
        Some(key) => key,
        // The key is for this frame only. The gateway's own retries make one message; a repeated frame of the
        // client makes a new one.
        None => commands.new_key()?,
    };
    let message = NewMessage::plain(key, text);
    commands.send(&session.actor(), room, message).await.map(drop)
}

fn alert(session: &SessionContext, why: Alert) {
    session.outbox.push(channels::alert(&why.text()));
}
