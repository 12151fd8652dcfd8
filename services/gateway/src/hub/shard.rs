//! The task that owns some of the hubs: it registers them as listeners, repairs their gaps from the
//! store, and compares their heads with the store's.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use madang_bus::{Bus, Presence};
use madang_domain::{
    Code, RoomId, Seq, TopicId,
    event::{Event, EventBody, RoomChanged},
};
use madang_kit::lifecycle::Tasks;
use madang_rpc::{
    MessageStore,
    store::{GetReads, RoomReads},
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    marks::MovedMarks,
    message::{Attached, Message},
    presence::{PendingPresence, PresenceGuard},
    profile_news::ShownNews,
    repair::{self, Repair, Repairs},
    slot::{Slot, linger},
    sweep::{self, Scope, Sweeps},
    topic_hub::{Audience, removed_user},
    typists::{Ended, Typists},
};
use crate::{
    formats::{Format, native},
    metrics::Counters,
};

/// The messages that are taken at once.
const MESSAGES_AT_ONCE: usize = 256;
/// How often the shard looks for hubs to end and sweeps to begin.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// What a shard needs.
#[derive(Clone)]
pub(crate) struct ShardDeps {
    pub(crate) store: Arc<dyn MessageStore>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) presence: Arc<dyn Presence>,
    /// In a room with more users than this, users are counted and not named.
    pub(crate) presence_names_max: usize,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tasks: Tasks,
    /// Ends the shards, after the last session.
    pub(crate) stop: CancellationToken,
}

/// Starts a shard's task.
pub(super) fn start(messages: mpsc::Receiver<Message>, deps: ShardDeps) {
    let tasks = deps.tasks.clone();
    let shard = Shard {
        pending_presence: PendingPresence::new(deps.presence_names_max),
        moved_marks: MovedMarks::default(),
        deps,
        hubs: HashMap::new(),
        new_topics: Vec::new(),
        work: JoinSet::new(),
        repairs: Repairs::default(),
        sweeps: Sweeps::new(Instant::now()),
    };
    tasks.spawn("hub shard", shard.run(messages));
}

struct Shard {
    deps: ShardDeps,
    hubs: HashMap<TopicId, Slot>,
    /// Topics whose first subscriber came with the present messages; they are registered together.
    new_topics: Vec<TopicId>,
    work: JoinSet<Done>,
    repairs: Repairs,
    sweeps: Sweeps,
    pending_presence: PendingPresence,
    moved_marks: MovedMarks,
}

/// What the shard's own calls returned.
enum Done {
    Subscribed(Vec<TopicId>),
    Read(TopicId, Result<Vec<Event>, madang_domain::Error>),
    /// The topics that were asked for, and the heads of those that exist.
    Heads(Vec<TopicId>, Result<Vec<(TopicId, Seq)>, madang_domain::Error>),
    Marks(RoomId, Result<RoomReads, madang_domain::Error>),
}

impl Shard {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut batch = Vec::with_capacity(MESSAGES_AT_ONCE);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.deps.stop.clone();
        loop {
            let due =
                [self.repairs.next_due(), self.pending_presence.next_due(), self.moved_marks.next_due()];
            let next_due = due.into_iter().flatten().min();
            // Results and messages come first, the clock last.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(done) = self.work.join_next() => match done {
                    Ok(done) => self.finish(done),
                    // What the call kept true holds no longer: somebody waits for it, or it counts as under way for
                    // good. So the shard's own task panics, which ends the process.
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(error) => warn!(%error, "a call of a hub shard ended early"),
                    },
                },
                taken = messages.recv_many(&mut batch, MESSAGES_AT_ONCE) => {
                    if taken == 0 {
                        return;
                    }
                    for message in batch.drain(..) {
                        self.handle(message);
                    }
                    self.register_new_topics();
                }
                () = tokio::time::sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {
                    self.read_due();
                    self.send_presence();
                    self.read_marks();
                }
                _ = tick.tick() => self.look_after(),
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Attach { topic, listener, make, attached } => {
                let slot = match self.hubs.entry(topic) {
                    Entry::Occupied(slot) => slot.into_mut(),
                    // The session may have ended and not wait any more.
                    Entry::Vacant(_) if !make => return drop(attached.send(Attached::NoHub)),
                    Entry::Vacant(slot) => {
                        self.new_topics.push(topic);
                        self.deps.counters.hubs.add(1);
                        slot.insert(Slot::new())
                    }
                };
                slot.idle_since = None;
                slot.hub.attach(listener);
                match &mut slot.joining {
                    Some(waiting) => waiting.push(attached),
                    // The session may have ended and not wait any more.
                    None => drop(attached.send(Attached::Listening)),
                }
            }
            Message::Activate { topic, connection, seen, profile } => {
                let presence = Arc::clone(&self.deps.presence);
                self.with(topic, |slot| {
                    slot.hub.activate(connection, seen);
                    if let Some(profile) = profile {
                        slot.hub.hold_presence(connection, |user| {
                            PresenceGuard::take(&presence, topic, user, profile)
                        });
                    }
                });
            }
            Message::Detach { topic, connection } => {
                self.with(topic, |slot| slot.hub.detach(connection));
                self.end_typing(topic, |typists| typists.disconnected(connection));
            }
            Message::Events(arrivals) => {
                for arrival in arrivals {
                    let event = &arrival.event;
                    let (now, topic, left) = (Instant::now(), event.topic, removed_user(event));
                    let changes_marks = changes_marks(&event.body);
                    self.with(topic, |slot| {
                        slot.active_at = now;
                        slot.hub.accept(arrival);
                    });
                    if changes_marks {
                        self.note_marks(topic);
                    }
                    if let Some(user) = left {
                        self.end_typing(topic, |typists| typists.left(user));
                    }
                }
            }
            Message::Say { topic, frame, format, audience } => {
                self.with(topic, |slot| {
                    slot.hub.say(&frame, format, audience);
                });
            }
            Message::Typing { topic, signal } => {
                self.with(topic, |slot| slot.say_typing(&signal, Instant::now()));
            }
            Message::Profile { topic, news } => self.with(topic, |slot| slot.hub.say_profile(&news)),
            Message::Settings { topic, change, frame } => {
                self.with(topic, |slot| slot.hub.say_settings(change, &frame));
            }
            Message::Status { topic, news } => self.with(topic, |slot| slot.hub.say_status(&news)),
            Message::Shown { topic, news: ShownNews { user, hides, card } } => {
                let presence = Arc::clone(&self.deps.presence);
                self.with(topic, |slot| {
                    let take = || PresenceGuard::take(&presence, topic, user, card);
                    slot.hub.show_presence(user, !hides, take);
                });
            }
            Message::IsTypingNews { topic, connection, on, thread, answer } => {
                let slot = self.hubs.get(&topic);
                let is_news =
                    slot.and_then(|slot| slot.is_typing_news(connection, on, thread, Instant::now()));
                // The session that asked may have ended.
                let _ = answer.send(is_news);
            }
            Message::MarksMoved { topic } => self.note_marks(topic),
            Message::Presence(changes) => {
                let now = Instant::now();
                for change in changes {
                    // A change for a hub that has just ended is dropped.
                    if let Some(slot) = self.hubs.get_mut(&change.topic) {
                        // The Channels dialect has a frame of its own for each change, at once.
                        self.deps.counters.presence_frames.add(slot.hub.say_presence(&change));
                        self.pending_presence.add(change, now);
                    }
                }
            }
            Message::Listens { topic, connection, answer } => {
                let listens = self.hubs.get(&topic).is_some_and(|slot| slot.hub.listens(connection));
                // The session that asked may have ended.
                let _ = answer.send(listens);
            }
            Message::SweepAll => {
                if let Some(scope) = self.sweeps.ask_all(Instant::now()) {
                    self.sweep(scope);
                }
            }
        }
    }

    /// Tells whose typing in a room has ended.
    fn end_typing<E: IntoIterator<Item = Ended>>(
        &mut self,
        topic: TopicId,
        end: impl FnOnce(&mut Typists) -> E,
    ) {
        let Some(slot) = self.hubs.get_mut(&topic) else { return };
        for ended in end(&mut slot.typists) {
            slot.say_typing_ended(topic, ended, &*self.deps.bus);
        }
    }

    fn send_presence(&mut self) {
        for (room, frame) in self.pending_presence.take_due(Instant::now()) {
            if let Some(slot) = self.hubs.get_mut(&room.into()) {
                self.deps.counters.presence_frames.add(slot.hub.say(
                    &frame,
                    Format::Native,
                    Audience::Everybody,
                ));
            }
        }
    }

    /// Notes that marks of a room have moved, if somebody here is to be told.
    fn note_marks(&mut self, topic: TopicId) {
        if let Some(room) = topic.room()
            && self.hubs.contains_key(&topic)
        {
            self.moved_marks.note(room, Instant::now());
        }
    }

    /// Reads the marks of the rooms in which some have moved a moment ago.
    fn read_marks(&mut self) {
        while let Some(room) = self.moved_marks.take_due(Instant::now()) {
            if !self.hubs.contains_key(&room.into()) {
                self.moved_marks.forget(room);
                continue;
            }
            let store = Arc::clone(&self.deps.store);
            self.work.spawn(async move {
                Done::Marks(room, store.get_reads(GetReads { user: None, room: room.into() }).await)
            });
        }
    }

    fn finish_marks(&mut self, room: RoomId, result: Result<RoomReads, madang_domain::Error>) {
        let now = Instant::now();
        match result {
            Ok(reads) if reads.receipts.are_shown() => {
                self.moved_marks.read(room, reads.members, now);
                if let Some(slot) = self.hubs.get_mut(&room.into()) {
                    for frame in
                        native::delivered_frame(&reads).into_iter().chain([native::reads_frame(&reads)])
                    {
                        slot.hub.say(&frame, Format::Native, Audience::Everybody);
                    }
                }
            }
            Ok(_) => self.moved_marks.forget(room),
            Err(error) => {
                debug!(%room, %error, "read marks could not be read");
                self.moved_marks.failed(room, now);
            }
        }
    }

    /// Acts on a hub of this shard, and notes the gap that is left, if there is one.
    fn with(&mut self, topic: TopicId, act: impl FnOnce(&mut Slot)) {
        let Some(slot) = self.hubs.get_mut(&topic) else { return };
        act(slot);
        if slot.repair == Repair::Idle && slot.hub.missing_after().is_some() {
            slot.repair = Repair::Due;
            self.repairs.note(topic, Instant::now());
        }
    }

    fn register_new_topics(&mut self) {
        if self.new_topics.is_empty() {
            return;
        }
        let topics = std::mem::take(&mut self.new_topics);
        let bus = Arc::clone(&self.deps.bus);
        self.work.spawn(async move {
            // Where the bus cannot register now, it registers when it can and then asks for a comparison of all heads.
            // Until then the sweep finds what is new.
            let _ = bus.subscribe(&topics).await;
            Done::Subscribed(topics)
        });
    }

    fn read_due(&mut self) {
        let now = Instant::now();
        while let Some(topic) = self.repairs.take_due(now) {
            self.start_repair(topic, 0);
        }
    }

    fn start_repair(&mut self, topic: TopicId, failures: u32) {
        let Some(slot) = self.hubs.get_mut(&topic) else { return };
        let Some(after) = slot.hub.missing_after() else {
            slot.repair = Repair::Idle;
            return;
        };
        slot.repair = Repair::Reading { failures };
        self.repairs.begin();
        self.deps.counters.repairs.add(1);
        let store = Arc::clone(&self.deps.store);
        self.work.spawn(async move { Done::Read(topic, repair::read(store, topic, after, failures).await) });
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Subscribed(topics) => {
                for topic in topics {
                    let waiting = self.hubs.get_mut(&topic).and_then(|slot| slot.joining.take());
                    for listening in waiting.into_iter().flatten() {
                        // A session that has ended does not wait any more.
                        let _ = listening.send(Attached::Listening);
                    }
                }
            }
            Done::Read(topic, result) => {
                self.repairs.end();
                self.finish_repair(topic, result);
            }
            Done::Marks(room, result) => self.finish_marks(room, result),
            Done::Heads(asked, heads) => {
                match heads {
                    Ok(heads) => self.note_heads(asked, &heads),
                    // The store's client has logged why.
                    Err(error) => {
                        debug!(%error, "heads could not be compared");
                        self.sweeps.failed();
                    }
                }
                if let Some(scope) = self.sweeps.end(Instant::now()) {
                    self.sweep(scope);
                }
            }
        }
    }

    fn note_heads(&mut self, asked: Vec<TopicId>, heads: &[(TopicId, Seq)]) {
        for (topic, seq) in heads {
            self.with(*topic, |slot| slot.hub.note_head(*seq));
        }
        if heads.len() < asked.len() {
            let there: HashSet<TopicId> = heads.iter().map(|(topic, _)| *topic).collect();
            for topic in asked.into_iter().filter(|topic| !there.contains(topic)) {
                self.abandon(topic);
            }
        }
    }

    /// The store has no such topic: the room was deleted, and the event of that was lost.
    fn abandon(&mut self, topic: TopicId) {
        debug!(%topic, "the topic is gone");
        if let Some(slot) = self.hubs.get_mut(&topic) {
            slot.hub.abandon();
        }
    }

    fn finish_repair(&mut self, topic: TopicId, result: Result<Vec<Event>, madang_domain::Error>) {
        let Some(slot) = self.hubs.get_mut(&topic) else { return };
        let Repair::Reading { failures } = slot.repair else { return };
        match result {
            Ok(events) => {
                let found = !events.is_empty();
                for event in events {
                    slot.hub.accept(Arc::new(event));
                }
                slot.repair = Repair::Idle;
                if slot.hub.missing_after().is_some() {
                    if found {
                        // A page has been read, and more is missing.
                        self.start_repair(topic, 0);
                    } else {
                        warn!(%topic, "the store does not have an event that was announced");
                        self.start_repair(topic, failures + 1);
                    }
                }
            }
            Err(error) if error.code == Code::NotFound => {
                slot.repair = Repair::Idle;
                self.abandon(topic);
            }
            Err(error) => {
                debug!(%topic, %error, "a gap could not be read");
                self.start_repair(topic, failures + 1);
            }
        }
    }

    fn look_after(&mut self) {
        let now = Instant::now();
        let mut left = Vec::new();
        for (topic, slot) in &mut self.hubs {
            slot.end_lapsed_typing(*topic, now, &*self.deps.bus);
            if slot.joining.is_some() || slot.hub.prune() {
                slot.idle_since = None;
            } else if now.duration_since(*slot.idle_since.get_or_insert(now)) >= linger(*topic) {
                left.push(*topic);
            }
        }
        if !left.is_empty() {
            for topic in &left {
                self.hubs.remove(topic);
                self.deps.counters.hubs.subtract(1);
            }
            self.deps.bus.unsubscribe(&left);
        }
        if let Some(scope) = self.sweeps.due(now) {
            self.sweep(scope);
        }
    }

    /// Compares the heads of topics with the store's. Topics whose first subscription is being opened are among them: the
    /// store may have answered it before the event that this comparison is to find. Inboxes without subscribers are not:
    /// a user who comes back asks the store, and the hub learns from the answer.
    fn sweep(&mut self, scope: Scope) {
        let now = Instant::now();
        let is_idle_inbox = |topic: TopicId, slot: &Slot| slot.idle_since.is_some() && topic.room().is_none();
        let topics: Vec<TopicId> = self
            .hubs
            .iter()
            .filter(|(topic, slot)| scope.includes(slot.active_at, now) && !is_idle_inbox(**topic, slot))
            .map(|(topic, _)| *topic)
            .collect();
        for page in self.sweeps.begin(&topics) {
            let store = Arc::clone(&self.deps.store);
            self.deps.counters.sweeps.add(1);
            self.work.spawn(async move {
                let heads = sweep::heads(store, page.clone()).await;
                Done::Heads(page, heads)
            });
        }
    }
}

/// Whether other marks are shown after an event, of which the event does not say which. Where a member's mark stands after
/// a message or a joining, the event's own place says.
const fn changes_marks(body: &EventBody) -> bool {
    match body {
        EventBody::Left(_) => true,
        EventBody::RoomChanged(RoomChanged { flags, deleted, .. }) => flags.receipts.are_shown() && !*deleted,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
