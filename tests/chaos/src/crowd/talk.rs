//! What clients say: an open loop, drawn from the seed. It does not slow down because the servers do.

use std::{sync::Arc, time::Duration};

use madang_client::{Client as Api, Error as ApiError, SendError, Session};
use madang_domain::{Code, RoomId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    Crowd, Tally,
    people::{self, Person},
};
use crate::{
    error::Result,
    history::{Attempt, Outcome, RoomIndex},
    watch::Watch,
};

/// The length of a text, in bytes: a word to a paragraph.
const TEXT_BYTES: std::ops::Range<usize> = 8..400;

/// Of so many messages one names somebody.
const NAMES_ONE_IN: u32 = 4;

/// Of so many messages one is sent by the REST API of any gateway, and not again where that fails: what a gateway refuses
/// for now shows in these, and in no other, for a session sends again.
const ONCE_ONE_IN: u32 = 4;

/// The rate may not be nothing.
const RATE_MIN: f64 = 0.1;

/// Somebody who may send.
struct Speaker {
    client: usize,
    session: Session,
    person: Person,
    rooms: Vec<SpokenIn>,
}

/// A room in which somebody may send.
struct SpokenIn {
    room: RoomIndex,
    id: RoomId,
    /// The others in it who stay members for as long as the run lasts.
    others: Vec<usize>,
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
            let rooms = rooms.filter_map(|room| {
                let others = crowd.members(*room).iter().copied().filter(|other| *other != number);
                Some(SpokenIn { room: *room, id: *crowd.rooms().get(*room)?, others: others.collect() })
            });
            let (session, person) = (client.session().clone(), client.person().clone());
            Speaker { client: number, session, person, rooms: rooms.collect() }
        });
        let (stop, stopped) = watch::channel(false);
        let talker = Talker {
            // Who listens in quiet rooms alone does not speak.
            speakers: speakers.filter(|speaker| !speaker.rooms.is_empty()).collect(),
            gateways: crowd.gateways().to_vec(),
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
    gateways: Vec<Api>,
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
        let random = &mut self.random;
        let choice = random.random_range(0..self.speakers.len().max(1));
        let text_bytes = random.random_range(TEXT_BYTES);
        let Some(speaker) = self.speakers.get(choice) else { return };
        let client = speaker.client;
        let choice = random.random_range(0..speaker.rooms.len().max(1));
        let Some(SpokenIn { room, id, others }) = speaker.rooms.get(choice) else { return };
        let (room, id) = (*room, *id);
        let key = format!("m{number}");
        let mut text = format!("{number} of {client}: ");
        let named = others.get(random.random_range(0..others.len().max(1)));
        if let Some(named) = named.filter(|_| random.random_ratio(1, NAMES_ONE_IN)) {
            text.push_str(&format!("@{} ", people::username(*named)));
        }
        while text.len() < text_bytes {
            text.push_str("마당 ");
        }
        let gateway = self.gateways.get(random.random_range(0..self.gateways.len().max(1)));
        let once = gateway.filter(|_| random.random_ratio(1, ONCE_ONE_IN));
        let once = once.map(|gateway| gateway.with_token(speaker.person.token()));
        let at = self.watch.now();
        let (session, tally, watch) = (speaker.session.clone(), Arc::clone(&self.tally), self.watch);
        Tally::add(&tally.sent);
        under_way.spawn(async move {
            let outcome = match &once {
                Some(gateway) => outcome_once(gateway.send_message(id, &text, Some(&key)).await, watch),
                None => outcome(session.send_with_key(id, &text, &key).await, watch),
            };
            if matches!(outcome, Outcome::Acknowledged { .. }) {
                Tally::add(&tally.acknowledged);
            }
            (client, Attempt { room, key: key.into(), at, once: once.is_some(), outcome })
        });
    }
}

/// What the answer to a single request means.
fn outcome_once(answer: std::result::Result<madang_client::SentMessage, ApiError>, watch: Watch) -> Outcome {
    match answer {
        Ok(sent) => Outcome::Acknowledged { seq: sent.seq.get(), at: watch.now() },
        Err(ApiError::Problem(problem)) => Outcome::Refused(problem.code),
        Err(ApiError::Contract { .. } | ApiError::Base(_)) => Outcome::Refused(Code::Internal),
        Err(ApiError::Transport(_)) => Outcome::Unknown,
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
