//! What a subscription missed, written at the pace of the socket.
//!
//! A replay is whole or none, which is judged once, by the cursor and the head. It is then read page by page: the next page
//! is asked for when the socket has taken most of what was written. So a socket that reads slowly holds a page and what its
//! outbox allows, and not all that it missed.

use std::time::Duration;

use madang_domain::{Cursor, Epoch, Seq, TopicId, event::Event};
use madang_flow_control::Backoff;
use madang_rpc::{MessageStore, store::Read};
use tracing::debug;

use super::context::SessionContext;
use crate::{
    admission::{Actor, ReadBudgets, Reads},
    formats::native,
    outbox::{Close, Outbox},
};

/// The events that a subscription is opened with; what is missed beyond them is read in pages. Most replays are shorter, and
/// then the call that opens the subscription is the only one.
pub(super) const FIRST_EVENTS: u32 = 50;
/// The events of one page. The store ends a page earlier where its bytes are many.
const PAGE_EVENTS: u32 = 200;
/// The part of what may wait for a socket that the first events of all rooms of one `subscribe` may take.
const FIRST_BYTES_DIVISOR: usize = 4;
/// What an event has in a frame besides its texts, about: ids, the sender, the names of fields.
const FRAME_BYTES: usize = 384;
/// The pauses between tries to read a page. A replay that has begun can only be finished, or ended with its socket. They are
/// spread over the sockets, since all replays that a store fails try again.
const PAUSES: Backoff = Backoff::equal_jitter(Duration::from_millis(100), Duration::from_secs(1));
/// The shortest and the longest pause before a page is paid for that the budget did not have: not all the time, and often
/// enough that a socket that has ended is not waited for.
const PAYING_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Its multiples by consecutive numbers lie evenly between whole numbers (Knuth, The Art of Computer Programming, 6.4).
const GOLDEN_RATIO: f64 = std::f64::consts::GOLDEN_RATIO;
/// After so many tries the socket is closed: its client comes back with the cursor that it has reached.
const TRIES_MAX: u32 = 8;

/// What lies between a client's cursor and the head of a topic.
#[derive(Debug)]
pub(crate) struct Missed {
    /// The place after which events follow: the client's cursor where the replay is whole, else the head.
    pub(crate) from: Seq,
    /// The last place of the topic.
    pub(crate) head: Seq,
    /// All that was missed follows; otherwise nothing of it does.
    pub(crate) complete: bool,
    /// The first of the events, as many as came with the answer.
    events: Vec<Event>,
}

impl Missed {
    /// What was missed, and whether it is replayed: not where the cursor is of another history or past the head, and not
    /// where more was missed than is replayed.
    pub(super) fn of(
        since: Option<Cursor>,
        epoch: Epoch,
        head: Seq,
        replay_max_events: u32,
        events: Vec<Event>,
    ) -> Self {
        let Some(since) = since else {
            return Self { from: head, head, complete: true, events: Vec::new() };
        };
        let is_known = since.epoch.is_none_or(|seen| seen == epoch) && since.seq <= head;
        if !is_known || head.since(since.seq) > u64::from(replay_max_events) {
            return Self { from: head, head, complete: false, events: Vec::new() };
        }
        Self { from: since.seq, head, complete: true, events }
    }

    /// Lets go of the first events, where they do not fit into what is left of `budget_bytes`. They are read again later.
    pub(crate) fn keep_within(&mut self, budget_bytes: &mut usize) {
        match budget_bytes.checked_sub(self.events.iter().map(bytes).sum()) {
            Some(left) => *budget_bytes = left,
            None => self.events = Vec::new(),
        }
    }
}

/// The bytes that an event has in a frame, about.
fn bytes(event: &Event) -> usize {
    FRAME_BYTES + event.body.text_bytes()
}

impl SessionContext {
    /// The bytes that the first events of all topics of one request may have.
    pub(crate) fn first_events_bytes(&self) -> usize {
        self.sockets.settings.queue_max_bytes / FIRST_BYTES_DIVISOR
    }

    /// Writes what was missed of a topic, at the pace of the socket. It is all written when this answers, or the socket is
    /// closing.
    pub(crate) async fn replay(&self, topic: TopicId, missed: Missed) {
        let spread = (self.connection.get() as f64 * GOLDEN_RATIO).fract();
        let (store, outbox, reads) = (&*self.sockets.store, &*self.outbox, &*self.sockets.reads);
        Replay { topic, store, outbox, reads, actor: self.actor(), spread }.write(missed).await;
    }
}

/// What writes the missed events of a topic.
struct Replay<'a> {
    topic: TopicId,
    store: &'a dyn MessageStore,
    outbox: &'a Outbox,
    reads: &'a ReadBudgets,
    /// Who pays for the pages.
    actor: Actor,
    /// Which part of a pause this one waits, from 0 to 1.
    spread: f64,
}

impl Replay<'_> {
    async fn write(&self, missed: Missed) {
        let Missed { from, head, complete: _, events } = missed;
        let mut seen = self.write_events(events, from, head).await;
        while seen < head && !self.outbox.is_closing() {
            self.outbox.room().await;
            match self.read_page(seen).await {
                Some(page) => seen = self.write_events(page, seen, head).await,
                None => return self.outbox.close(Close::Restart),
            }
        }
    }

    /// Writes the events after `seen`, up to `head`. Answers the last place that was written.
    async fn write_events(&self, events: Vec<Event>, mut seen: Seq, head: Seq) -> Seq {
        for event in events {
            if event.seq != seen.next() || event.seq > head {
                break;
            }
            seen = event.seq;
            if let Some(frame) = native::event_frame(&event) {
                self.outbox.room().await;
                self.outbox.push(frame);
            }
        }
        seen
    }

    /// Waits until one more page is paid for, since a replay that has begun cannot be refused. Not, where the socket ends
    /// before.
    async fn is_paid(&self) -> bool {
        while let Err(refused) = self.reads.take(&self.actor, Reads::ONE) {
            if self.outbox.is_closing() {
                return false;
            }
            let wait = refused.retry_after.unwrap_or_default();
            tokio::time::sleep(wait.clamp(PAYING_PAUSES.0, PAYING_PAUSES.1)).await;
        }
        true
    }

    /// Reads the events after a place; none where the store does not have them, or does not answer for long.
    async fn read_page(&self, after: Seq) -> Option<Vec<Event>> {
        let topic = self.topic;
        if !self.is_paid().await {
            return None;
        }
        for failures in 0..TRIES_MAX {
            if failures > 0 {
                tokio::time::sleep(PAUSES.pause(failures, self.spread)).await;
            }
            if self.outbox.is_closing() {
                return None;
            }
            match self.store.read(Read { topic, after, limit: PAGE_EVENTS }).await {
                Ok(events) if events.first().is_some_and(|event| event.seq == after.next()) => {
                    return Some(events);
                }
                Ok(_) => {
                    debug!(%topic, "the store does not have what was missed");
                    return None;
                }
                Err(error) => debug!(%topic, %error, "a page of a replay could not be read"),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        task::{Context, Poll, Waker},
    };

    use async_trait::async_trait;
    use madang_contract::WireFrame;
    use madang_domain::{
        DisplayName, Error, IdempotencyKey, Profile, Result, RoomId, Timestamp, UserId, Username,
        event::{EventBody, Message},
    };
    use madang_flow_control::RateLimit;
    use madang_rpc::{around::Double, store::MessageStoreDouble};
    use uuid::Uuid;

    use super::*;
    use crate::{
        admission::{ReadSettings, UserLimits},
        outbox::Taken,
    };

    const EPOCH: Epoch = Epoch::new(7);
    /// The bytes of each text, and how many of them a page has.
    const TEXT_BYTES: usize = 10_000;
    const PAGE: u64 = 6;
    /// What may wait for the socket.
    const BOUND_BYTES: usize = 256 * 1024;
    const HEAD: u64 = 200;

    fn topic() -> TopicId {
        RoomId::new(Uuid::from_u128(1)).into()
    }

    fn event(seq: u64) -> Event {
        let actor = Arc::new(Profile {
            id: UserId::new(Uuid::from_u128(7)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("Mina").unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::default(),
        });
        let message = Message {
            text: "x".repeat(TEXT_BYTES),
            key: IdempotencyKey::new("k").unwrap(),
            reply_to: None,
            attachments: Vec::new(),
            mentions: Vec::new(),
            mentions_all: None,
            metadata: None,
            excerpt: None,
            changes: None,
            thread: None,
        };
        let body = EventBody::Message(message);
        Event { topic: topic(), seq: Seq::new(seq), at: Timestamp::default(), actor, subject: None, body }
    }

    /// A store with a log that goes on after the head.
    #[derive(Default)]
    struct Log {
        reads: AtomicU64,
        /// The next so many reads fail.
        failures: AtomicU64,
    }

    #[async_trait]
    impl MessageStoreDouble for Log {
        async fn read(&self, read: Read) -> Result<Vec<Event>> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let fail = |failures: u64| failures.checked_sub(1);
            if self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fail).is_ok() {
                return Err(Error::unavailable("not now"));
            }
            let first = read.after.get() + 1;
            Ok((first..first + PAGE).map(event).collect())
        }
    }

    /// Budgets of so many reads at once, and then one in ten seconds.
    fn reads(burst: u32) -> ReadBudgets {
        let user = RateLimit { interval: Duration::from_secs(10), burst };
        let settings = ReadSettings { user, address_per_second: 0 };
        ReadBudgets::new(settings, Arc::new(UserLimits::new(1)))
    }

    fn replay<'a>(store: &'a Double<Log>, outbox: &'a Outbox, reads: &'a ReadBudgets) -> Replay<'a> {
        let (profile, authority) = (event(1).actor, madang_domain::Authority::User);
        let actor = Actor { profile, usage: None, address: None, authority };
        Replay { topic: topic(), store, outbox, reads, actor, spread: 0.5 }
    }

    fn all_missed() -> Missed {
        let since = Some(Cursor { seq: Seq::START, epoch: None });
        Missed::of(since, EPOCH, Seq::new(HEAD), 500, Vec::new())
    }

    /// Takes all that waits, as the socket's client does; the number of frames.
    fn take(outbox: &Outbox) -> usize {
        let mut taken = VecDeque::new();
        match outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut taken) {
            Poll::Ready(Taken::Frames) => {
                let (frames, bytes) = (taken.len(), taken.iter().map(WireFrame::len).sum());
                outbox.written(bytes, &mut VecDeque::new());
                frames
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replay_is_judged_by_epoch_head_and_number() {
        let missed = |since: Option<(u64, Option<Epoch>)>, head, most| {
            let since = since.map(|(seq, epoch)| Cursor { seq: Seq::new(seq), epoch });
            let missed = Missed::of(since, EPOCH, Seq::new(head), most, Vec::new());
            (missed.from.get(), missed.complete)
        };
        assert_eq!(missed(None, 5, 10), (5, true));
        assert_eq!(missed(Some((5, None)), 5, 10), (5, true));
        assert_eq!(missed(Some((3, Some(EPOCH))), 5, 2), (3, true));
        assert_eq!(missed(Some((3, None)), 5, 1), (5, false), "more than is replayed");
        assert_eq!(missed(Some((6, None)), 5, 10), (5, false), "past the head");
        assert_eq!(missed(Some((5, Some(Epoch::new(8)))), 5, 10), (5, false), "of another history");
    }

    #[test]
    fn the_first_events_of_many_rooms_are_within_one_budget() {
        let mut budget = 3 * (TEXT_BYTES + FRAME_BYTES);
        let kept = [2, 2, 1, 1].map(|count| {
            let mut missed = Missed { events: (1..=count).map(event).collect(), ..all_missed() };
            missed.keep_within(&mut budget);
            missed.events.len()
        });
        assert_eq!(kept, [2, 0, 1, 0]);
    }

    #[test]
    fn a_page_is_read_when_the_socket_has_taken_what_was_written() {
        let (store, outbox, reads) = (Double(Log::default()), Outbox::new(BOUND_BYTES, 0), reads(1_000_000));
        let replay = replay(&store, &outbox, &reads);
        let mut writing = pin!(replay.write(all_missed()));
        let mut poll = || writing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!poll());
        // What was read is what half of the bound holds, and a page more at the most.
        let most = (BOUND_BYTES / 2 / TEXT_BYTES) as u64 / PAGE + 2;
        let before = store.0.reads.load(Ordering::Relaxed);
        assert!(before <= most, "{before} pages for who has taken nothing");
        assert!(!poll(), "it waits");
        assert_eq!(store.0.reads.load(Ordering::Relaxed), before);
        let mut frames = take(&outbox);
        while !poll() {
            frames += take(&outbox);
        }
        while frames < HEAD as usize {
            frames += take(&outbox);
        }
        assert_eq!(frames, HEAD as usize, "what lies after the head is the hub's");
        assert!(!outbox.is_closing());
    }

    #[tokio::test(start_paused = true)]
    async fn a_replay_goes_on_after_failures_and_ends_with_its_socket_after_many() {
        let (store, outbox, reads) = (Double(Log::default()), Outbox::new(usize::MAX, 0), reads(1_000_000));
        let replay = replay(&store, &outbox, &reads);
        store.0.failures.store(u64::from(TRIES_MAX) - 1, Ordering::Relaxed);
        replay.write(all_missed()).await;
        assert_eq!(take(&outbox), HEAD as usize);
        store.0.failures.store(u64::from(TRIES_MAX), Ordering::Relaxed);
        replay.write(all_missed()).await;
        assert!(outbox.is_closing(), "the client comes back with the cursor that it has reached");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pages_of_a_replay_are_paid_for_and_waited_for() {
        const PAID: u32 = 3;
        let (store, outbox, reads) = (Double(Log::default()), Outbox::new(usize::MAX, 0), reads(PAID));
        let replay = replay(&store, &outbox, &reads);
        let writing = replay.write(all_missed());
        // The budget has a clock of its own, which does not move here.
        assert!(tokio::time::timeout(Duration::from_secs(60), writing).await.is_err());
        assert_eq!(store.0.reads.load(Ordering::Relaxed), u64::from(PAID));
        assert!(!outbox.is_closing(), "it is slowed down, and not closed");
        outbox.close(Close::Gone);
        tokio::time::timeout(Duration::from_secs(2), replay.write(all_missed())).await.expect("its end");
    }
}
