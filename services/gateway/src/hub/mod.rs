//! Hubs: one for each topic that a socket of this gateway subscribes to.
//!
//! The hubs are spread over a few shards by topic. A shard is a task that owns its hubs and is their only
//! writer; [`Hubs`] is the handle by which sessions, commands and the fan-out speak to it.

mod arrival;
#[cfg(test)]
mod bounds;
mod held_frame;
mod marks;
mod message;
mod presence;
mod profile_news;
mod repair;
mod shard;
mod slot;
mod sweep;
mod topic_hub;
mod typists;

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use bytes::Bytes;
use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Seq, TopicId};
use tokio::sync::{mpsc, oneshot};

pub(crate) use arrival::Arrival;
pub(crate) use profile_news::{ProfileNews, SettingsChange, ShownNews, StatusNews};
pub(crate) use shard::ShardDeps;
pub(crate) use topic_hub::{Audience, Listener};

pub(crate) use typists::{TYPING_EXPIRES, TypingEnd, TypingSignal};

use self::message::{Attached, Message};
use crate::formats::Format;

/// The messages that wait for one shard. A full queue makes the sender wait, which slows those who send chat messages
/// down to what the hubs deliver.
const MESSAGES_MAX: usize = 4_096;

/// The handle to all hubs of this gateway.
#[derive(Debug, Clone)]
pub(crate) struct Hubs {
    shards: Arc<[mpsc::Sender<Message>]>,
    hasher: RandomState,
}

impl Hubs {
    /// Starts `count` shards.
    pub(crate) fn start(count: usize, deps: &ShardDeps) -> Self {
        let shards = (0..count.max(1))
            .map(|_| {
                let (sender, messages) = mpsc::channel(MESSAGES_MAX);
                shard::start(messages, deps.clone());
                sender
            })
            .collect();
        Self { shards, hasher: RandomState::new() }
    }

    /// Registers a socket with a topic. When this answers, this gateway is a listener of the topic: a state that is read
    /// from the store after that misses no event.
    pub(crate) async fn attach(&self, topic: TopicId, listener: Listener) {
        self.attach_to(topic, listener, true).await;
    }

    /// The same where the topic has a hub here. Answers whether it has one; otherwise nothing has happened.
    pub(crate) async fn attach_if_known(&self, topic: TopicId, listener: Listener) -> bool {
        self.attach_to(topic, listener, false).await == Attached::Listening
    }

    async fn attach_to(&self, topic: TopicId, listener: Listener, make: bool) -> Attached {
        let (attached, answer) = oneshot::channel();
        self.tell(topic, Message::Attach { topic, listener, make, attached }).await;
        // A hub that is gone does not answer: the gateway is stopping.
        answer.await.unwrap_or(Attached::Listening)
    }

    /// The socket has been sent the log up to `seen`; the hub delivers the rest. With a profile, its user is present in
    /// the topic for as long as one of the user's sockets subscribes to it.
    pub(crate) async fn activate(
        &self,
        topic: TopicId,
        connection: ConnectionId,
        seen: Seq,
        profile: Option<Bytes>,
    ) {
        self.tell(topic, Message::Activate { topic, connection, seen, profile }).await;
    }

    /// Ends a socket's subscription to a topic.
    pub(crate) async fn detach(&self, topic: TopicId, connection: ConnectionId) {
        self.tell(topic, Message::Detach { topic, connection }).await;
    }

    /// Whether a socket subscribes to a topic and its user has not lost the membership.
    pub(crate) async fn listens(&self, topic: TopicId, connection: ConnectionId) -> bool {
        let (answer, answered) = oneshot::channel();
        self.tell(topic, Message::Listens { topic, connection, answer }).await;
        answered.await.unwrap_or(false)
    }

    /// Delivers an event.
    pub(crate) async fn deliver(&self, arrival: Arrival) {
        self.tell(arrival.event.topic, Message::Events(vec![arrival])).await;
    }

    /// Delivers many events, one message a shard.
    pub(crate) async fn deliver_all(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        let mut by_shard: Vec<Vec<Arrival>> = vec![Vec::new(); self.shards.len()];
        for arrival in arrivals {
            by_shard[self.shard(arrival.event.topic)].push(arrival);
        }
        for (shard, events) in self.shards.iter().zip(by_shard) {
            if !events.is_empty() {
                // A shard that is gone has stopped with its gateway.
                let _ = shard.send(Message::Events(events)).await;
            }
        }
    }

    /// Delivers a frame that no log keeps to the subscribers of one format.
    pub(crate) async fn say(&self, topic: TopicId, frame: WireFrame, format: Format, audience: Audience) {
        self.tell(topic, Message::Say { topic, frame, format, audience }).await;
    }

    /// Delivers what a user has set to the user's devices, unless they were told of a later change.
    pub(crate) async fn settings(&self, topic: TopicId, change: SettingsChange, frame: WireFrame) {
        self.tell(topic, Message::Settings { topic, change, frame }).await;
    }

    /// Delivers that somebody types or has stopped.
    pub(crate) async fn typing(&self, topic: TopicId, signal: TypingSignal) {
        self.tell(topic, Message::Typing { topic, signal }).await;
    }

    /// Delivers that a user's profile has changed.
    pub(crate) async fn profile(&self, topic: TopicId, news: ProfileNews) {
        self.tell(topic, Message::Profile { topic, news }).await;
    }

    /// Delivers that a user has set a status, or ended it.
    pub(crate) async fn status(&self, topic: TopicId, news: StatusNews) {
        self.tell(topic, Message::Status { topic, news }).await;
    }

    /// Delivers whether others see that a user is present.
    pub(crate) async fn shown(&self, topic: TopicId, news: ShownNews) {
        self.tell(topic, Message::Shown { topic, news }).await;
    }

    /// Whether it is news to the others that the user of a socket types or has stopped. None: the socket does not
    /// subscribe to the topic, or its user has lost the membership.
    pub(crate) async fn is_typing_news(
        &self,
        topic: TopicId,
        connection: ConnectionId,
        on: bool,
        thread: Option<Seq>,
    ) -> Option<bool> {
        let (answer, answered) = oneshot::channel();
        self.tell(topic, Message::IsTypingNews { topic, connection, on, thread, answer }).await;
        answered.await.unwrap_or(None)
    }

    /// Has the subscribers of a room told how far its members have read, in a moment.
    pub(crate) async fn marks_moved(&self, topic: TopicId) {
        self.tell(topic, Message::MarksMoved { topic }).await;
    }

    /// Delivers who came and who has gone.
    pub(crate) async fn presence(&self, changes: Vec<PresenceChange>) {
        let mut by_shard: Vec<Vec<PresenceChange>> = vec![Vec::new(); self.shards.len()];
        for change in changes {
            by_shard[self.shard(change.topic)].push(change);
        }
        for (shard, changes) in self.shards.iter().zip(by_shard) {
            if !changes.is_empty() {
                // A shard that is gone has stopped with its gateway.
                let _ = shard.send(Message::Presence(changes)).await;
            }
        }
    }

    /// Compares the heads of all topics with the store.
    pub(crate) async fn sweep_all(&self) {
        for shard in self.shards.iter() {
            let _ = shard.send(Message::SweepAll).await;
        }
    }

    async fn tell(&self, topic: TopicId, message: Message) {
        // A shard that is gone has stopped with its gateway: no subscriber is left.
        let _ = self.shards[self.shard(topic)].send(message).await;
    }

    fn shard(&self, topic: TopicId) -> usize {
        (self.hasher.hash_one(topic) % self.shards.len() as u64) as usize
    }
}
