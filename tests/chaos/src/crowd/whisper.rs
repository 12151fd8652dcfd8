//! The messages in quiet rooms.
//!
//! In a busy room the next message reveals a missing one, and so does every client that reconnects and
//! subscribes. In a quiet room only the gateways' own sweep reveals it. Its subscribers are on one gateway
//! and never use another. The sender uses the REST API of the other gateway, subscribes to nothing, and stops
//! sending when the fault has started. An event that this gateway had committed but not published when it
//! ended is the last event of its room. The answer to a repeated send does not publish it again.

use std::{sync::Arc, time::Duration};

use madang_client::Client as Api;
use madang_domain::{Code, RoomId};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Crowd, Tally, retry::passes};
use crate::{
    error::Result,
    history::{Attempt, Outcome, RoomIndex},
    watch::Watch,
};

/// How long each room has a message in progress at every moment. This time starts before the fault and
/// includes its start.
const BURST: Duration = Duration::from_millis(300);
/// The pause between two messages of a room after that, until the fault ends.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause before a message is sent again after a temporary refusal or without an answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The time after which a message is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// The messages in quiet rooms during one fault.
#[derive(Debug)]
pub struct Whispers {
    over: watch::Sender<bool>,
    rooms: JoinSet<Vec<(usize, Attempt)>>,
}

impl Whispers {
    /// Begins in all quiet rooms. With `until_over` it goes on, slowly, for as long as the fault lasts; without, each room
    /// falls silent after a burst, as is right for a fault that ends and starts a process.
    #[must_use]
    pub fn start(crowd: &Crowd, round: usize, until_over: bool, watch: Watch) -> Self {
        let (over, is_over) = watch::channel(false);
        let mut rooms = JoinSet::new();
        for (number, whisperer) in crowd.whisperers().iter().enumerate() {
            let client = crowd.clients().len() + number;
            for room in &whisperer.rooms {
                let Some(id) = crowd.rooms().get(*room).copied() else { continue };
                let voice = Voice {
                    api: whisperer.api.with_token(whisperer.person.token()),
                    client,
                    room: *room,
                    id,
                    round,
                    tally: Arc::clone(crowd.tally()),
                    watch,
                };
                rooms.spawn(voice.whisper(until_over, is_over.clone()));
            }
        }
        Self { over, rooms }
    }

    /// The fault is over: waits until the outcome of each message is known or given up, and returns them with their
    /// senders.
    ///
    /// # Errors
    /// When the task of a room panicked.
    pub async fn stop(mut self) -> Result<Vec<(usize, Attempt)>> {
        self.over.send_replace(true);
        let mut attempts = Vec::new();
        while let Some(room) = self.rooms.join_next().await {
            attempts.append(&mut room?);
        }
        Ok(attempts)
    }
}

/// What is said in one room.
struct Voice {
    api: Api,
    client: usize,
    room: RoomIndex,
    id: RoomId,
    round: usize,
    tally: Arc<Tally>,
    watch: Watch,
}

impl Voice {
    async fn whisper(self, until_over: bool, mut over: watch::Receiver<bool>) -> Vec<(usize, Attempt)> {
        let burst_until = Instant::now() + BURST;
        let mut attempts = Vec::new();
        loop {
            let key = format!("w{}-{}", self.round, attempts.len());
            attempts.push((self.client, self.send(&key).await));
            if Instant::now() < burst_until {
                continue;
            }
            if !until_over {
                return attempts;
            }
            tokio::select! {
                _ = over.wait_for(|over| *over) => return attempts,
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Sends a message until its outcome is known: each before the next, so that no later one shows that it is missing.
    async fn send(&self, key: &str) -> Attempt {
        let at = self.watch.now();
        let until = Instant::now() + GIVE_UP_AFTER;
        Tally::add(&self.tally.sent);
        let outcome = loop {
            match self.api.send_message(self.id, key, Some(key)).await {
                Ok(sent) => {
                    Tally::add(&self.tally.acknowledged);
                    break Outcome::Acknowledged { seq: sent.seq.get(), at: self.watch.now() };
                }
                Err(error) if !passes(&error) => {
                    break Outcome::Refused(error.code().unwrap_or(Code::Internal));
                }
                Err(_) if Instant::now() >= until => break Outcome::Unknown,
                Err(_) => sleep(RETRY_AFTER).await,
            }
        };
        Attempt { room: self.room, key: key.into(), at, once: false, outcome }
    }
}
