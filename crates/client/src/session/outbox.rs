//! Messages on their way: each is kept until the server has acknowledged or refused it.

use std::{collections::VecDeque, time::Duration};

use madang_contract::{ClientFrame, Request, RequestId};
use madang_domain::{Code, IdempotencyKey, MessageText, RoomId};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use super::{SendError, Sent};

/// A message as the handle gives it over.
pub(super) struct Unsent {
    pub(super) room: RoomId,
    pub(super) key: IdempotencyKey,
    pub(super) text: MessageText,
    pub(super) reply: oneshot::Sender<Result<Sent, SendError>>,
    /// One of the places of [`super::SessionOptions::unacknowledged_max`]; freed with the message.
    pub(super) permit: OwnedSemaphorePermit,
}

enum State {
    /// To be written once the time has come and there is a connection.
    Due(Instant),
    /// Written on this connection.
    Written(RequestId),
}

struct Message {
    room: RoomId,
    key: IdempotencyKey,
    text: MessageText,
    reply: oneshot::Sender<Result<Sent, SendError>>,
    _permit: OwnedSemaphorePermit,
    give_up: Instant,
    refusals: u32,
    state: State,
}

/// Bounded by the handles' permits.
#[derive(Default)]
pub(super) struct Outbox {
    messages: VecDeque<Message>,
}

impl Outbox {
    pub(super) fn push(&mut self, unsent: Unsent, now: Instant, deadline: Duration) {
        let Unsent { room, key, text, reply, permit } = unsent;
        let (give_up, state) = (now + deadline, State::Due(now));
        self.messages.push_back(Message {
            room,
            key,
            text,
            reply,
            _permit: permit,
            give_up,
            refusals: 0,
            state,
        });
    }

    /// What is to be written now, oldest first. `name` gives each its request id.
    pub(super) fn due(&mut self, now: Instant, mut name: impl FnMut() -> RequestId) -> Vec<Request> {
        let mut frames = Vec::new();
        for message in &mut self.messages {
            if matches!(message.state, State::Due(at) if at <= now) {
                let id = name();
                message.state = State::Written(id.clone());
                let frame = ClientFrame::Send {
                    room: message.room.into(),
                    key: message.key.clone(),
                    text: message.text.clone(),
                    reply_to: None,
                    attachments: Vec::new(),
                    thread: None,
                    in_room: false,
                    metadata: None,
                };
                frames.push(Request { id: Some(id), frame });
            }
        }
        frames
    }

    pub(super) fn acknowledged(&mut self, id: &RequestId, sent: Sent) {
        if let Some(message) = self.take(id) {
            // A caller that no longer waits has dropped its end.
            drop(message.reply.send(Ok(sent)));
        }
    }

    /// The key of a message that was written under an id.
    pub(super) fn key_of(&self, id: &RequestId) -> Option<IdempotencyKey> {
        self.messages.iter().find(|message| message.is_written_as(id)).map(|message| message.key.clone())
    }

    pub(super) fn refused(&mut self, id: &RequestId, code: Code, text: &str) {
        if let Some(message) = self.take(id) {
            drop(message.reply.send(Err(SendError::Refused { code, message: text.to_owned() })));
        }
    }

    /// A refusal that passes; `delay` is asked with the number of refusals before this one.
    pub(super) fn put_off(&mut self, id: &RequestId, now: Instant, delay: impl FnOnce(u32) -> Duration) {
        if let Some(message) = self.messages.iter_mut().find(|message| message.is_written_as(id)) {
            message.state = State::Due(now + delay(message.refusals));
            message.refusals += 1;
        }
    }

    /// The connection is lost: what was written may not have arrived.
    pub(super) fn disconnected(&mut self, now: Instant) {
        for message in &mut self.messages {
            if matches!(message.state, State::Written(_)) {
                message.state = State::Due(now);
            }
        }
    }

    /// Gives up on what has taken too long.
    pub(super) fn expire(&mut self, now: Instant) {
        // Most often there is nothing to do, and nothing is moved.
        while let Some(place) = self.messages.iter().position(|message| message.give_up <= now) {
            let Some(message) = self.messages.remove(place) else { break };
            drop(message.reply.send(Err(SendError::Unknown { key: message.key })));
        }
    }

    /// When something is to be done next: written again (where `connected`), or given up.
    pub(super) fn next_at(&self, connected: bool) -> Option<Instant> {
        let times = self.messages.iter().map(|message| match message.state {
            State::Due(at) if connected => at.min(message.give_up),
            State::Due(_) | State::Written(_) => message.give_up,
        });
        times.min()
    }

    fn take(&mut self, id: &RequestId) -> Option<Message> {
        let place = self.messages.iter().position(|message| message.is_written_as(id))?;
        self.messages.remove(place)
    }
}

impl Message {
    fn is_written_as(&self, id: &RequestId) -> bool {
        matches!(&self.state, State::Written(written) if written == id)
    }
}
