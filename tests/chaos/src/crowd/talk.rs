//! What clients say: an open loop, drawn from the seed. It does not slow down because the servers do.

use std::{sync::Arc, time::Duration};

use madang_client::{SendError, Session};
use madang_domain::RoomId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use super::{Crowd, Tally};
use crate::{
    error::Result,
    history::{Attempt, Outcome, RoomIndex},
    watch::{Moment, Watch},
};

/// The length of a text, in bytes: a word to a paragraph.
const TEXT_BYTES: std::ops::Range<usize> = 8..400;

/// The rate may not be nothing.
const RATE_MIN: f64 = 0.1;

/// Somebody who may send.
struct Speaker {
    client: usize,
    session: Session,
    rooms: Vec<(RoomIndex, RoomId)>,
}

/// A message on its way.
#[derive(Clone)]
struct Message {
    client: usize,
    room: RoomIndex,
    key: String,
    at: Moment,
}

/// The sends of all clients in all rooms but the quiet ones, until it is stopped.
#[derive(Debug)]
pub struct Talk {
    stop: watch::Sender<bool>,
    talking: JoinHandle<Result<Vec<(usize, Attempt)>>>,
}

impl Talk {
    /// Begins to send, in the mean so many messages a second, at moments that know nothing of one another.
    #[must_use]
    pub fn start(crowd: &Crowd, seed: u64, messages_a_second: f64, watch: Watch) -> Self {
        let speakers = crowd.clients().iter().enumerate().map(|(number, client)| {
            let rooms = client.rooms().iter().filter(|room| !crowd.is_quiet(**room));
            let rooms = rooms.filter_map(|room| Some((*room, *crowd.rooms().get(*room)?)));
            Speaker { client: number, session: client.session().clone(), rooms: rooms.collect() }
        });
        let (stop, stopped) = watch::channel(false);
        let talker = Talker {
            // Who listens in quiet rooms alone does not speak.
            speakers: speakers.filter(|speaker| !speaker.rooms.is_empty()).collect(),
            random: StdRng::seed_from_u64(seed),
            mean: Duration::from_secs(1).div_f64(messages_a_second.max(RATE_MIN)),
            tally: Arc::clone(crowd.tally()),
            watch,
        };
        Self { stop, talking: tokio::spawn(talker.talk(stopped)) }
    }

    /// Sends no more, and waits until the outcome of each message is known or given up; returns all of them with their
    /// senders.
    ///
    /// # Errors
    /// When the task of a message panicked.
    pub async fn stop(self) -> Result<Vec<(usize, Attempt)>> {
        self.stop.send_replace(true);
        self.talking.await?
    }
}

struct Talker {
    speakers: Vec<Speaker>,
    random: StdRng,
    mean: Duration,
    tally: Arc<Tally>,
    watch: Watch,
}

impl Talker {
    async fn talk(mut self, mut stopped: watch::Receiver<bool>) -> Result<Vec<(usize, Attempt)>> {
        let mut attempts = Vec::new();
        // Bounded by what each client may have on its way, and by what waits for that: the rate times the send deadline.
        let mut under_way = JoinSet::new();
        let mut due = Instant::now();
        let mut number = 0_u64;
        loop {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = sleep_until(due) => {
                    number += 1;
                    self.say(number, &mut under_way);
                    due += self.pause();
                }
                Some(done) = under_way.join_next() => attempts.push(done?),
            }
        }
        while let Some(done) = under_way.join_next().await {
            attempts.push(done?);
        }
        Ok(attempts)
    }

    /// The time until the next message: exponentially distributed, as for senders who do not know of one another.
    fn pause(&mut self) -> Duration {
        const LONGEST: f64 = 20.0;
        let evenly: f64 = self.random.random();
        self.mean.mul_f64((-(1.0 - evenly).ln()).min(LONGEST))
    }

    fn say(&mut self, number: u64, under_way: &mut JoinSet<(usize, Attempt)>) {
        let choice = self.random.random_range(0..self.speakers.len().max(1));
        let text_bytes = self.random.random_range(TEXT_BYTES);
        let Some(speaker) = self.speakers.get(choice) else { return };
        let client = speaker.client;
        let choice = self.random.random_range(0..speaker.rooms.len().max(1));
        let Some((room, id)) = speaker.rooms.get(choice).copied() else { return };
        let key = format!("m{number}");
        let mut text = format!("{number} of {client}: ");
        while text.len() < text_bytes {
            text.push_str("마당 ");
        }
        let message = Message { client, room, key, at: self.watch.now() };
        let (session, tally, watch) = (speaker.session.clone(), Arc::clone(&self.tally), self.watch);
        Tally::add(&tally.sent);
        under_way.spawn(async move {
            let outcome = outcome(session.send_with_key(id, &text, &message.key).await, watch);
            if matches!(outcome, Outcome::Acknowledged { .. }) {
                Tally::add(&tally.acknowledged);
            }
            let Message { client, room, key, at } = message;
            (client, Attempt { room, key: key.into(), at, outcome })
        });
    }
}

/// What an answer means.
pub(crate) fn outcome(answer: std::result::Result<madang_client::Sent, SendError>, watch: Watch) -> Outcome {
    match answer {
        Ok(sent) => Outcome::Acknowledged { seq: sent.seq.get(), at: watch.now() },
        Err(SendError::Unknown { .. }) => Outcome::Unknown,
        Err(SendError::Refused { code, .. }) => Outcome::Refused(code),
        Err(SendError::Ended | SendError::Invalid(_)) => Outcome::Ended,
    }
}
