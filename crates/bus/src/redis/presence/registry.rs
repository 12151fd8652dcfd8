//! The presence registry: of which users this gateway has sockets in which topics, and what of it Redis has not confirmed.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use madang_domain::{TopicId, UserId};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    metrics::BusMetrics,
    presence::Present,
    redis::scripts::{PairChange, PairChangeKind},
};

/// Changes that one call carries: about two milliseconds of Redis, with a few subscribers each.
const CHANGES_PER_CALL: usize = 256;
/// Changes within this time go out in one call.
const GATHER: Duration = Duration::from_millis(25);
/// The shortest time between two calls that only look for pairs whose grace has ended.
const SWEEP_MIN: Duration = Duration::from_millis(100);
/// How much longer than the grace the registry remembers a departure, so that it can restore one that Redis lost. By then the
/// subscribers have been notified: the grace has ended, and a gateway that waits for that looks at once.
const REMEMBER: Duration = Duration::from_secs(2);

/// A user in a topic.
pub(super) type Pair = (TopicId, UserId);

/// The times of one shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// How long a user who has left counts as present.
    pub(super) grace: Duration,
    /// The longest time between two calls.
    pub(super) sweep: Duration,
    /// How long it takes until all gateways have noticed a loss of data and have restored what they have.
    pub(super) settle: Duration,
}

/// The registry of one shard. As with the wanted subscriptions, only the set of pairs whose entry in Redis
/// may differ is queued. The last change of a pair wins.
#[derive(Debug)]
pub(super) struct PresenceRegistry {
    state: Mutex<State>,
    changed: Notify,
    times: Times,
    pairs_max: usize,
    metrics: Arc<BusMetrics>,
}

#[derive(Debug)]
struct State {
    entries: HashMap<Pair, PairEntry>,
    unconfirmed: HashSet<Pair>,
    /// Pairs to be restored after the data was lost, before all other changes.
    lost: HashSet<Pair>,
    /// Confirmed departures, oldest first, until the registry forgets them.
    departed: VecDeque<(Instant, Pair)>,
    /// When the changes that have gathered go out.
    gathered_at: Instant,
    /// When the grace of a pair may have ended in Redis.
    sweep_at: Instant,
    /// No arrival is notified before: other gateways may not have restored what they have.
    settled_at: Instant,
    /// Redis refused a call: no call is made before.
    retry_at: Instant,
}

/// One user in one topic.
#[derive(Debug)]
struct PairEntry {
    profile: Bytes,
    /// When Redis confirmed the user's departure; none for a user who is here, or whose departure is on its way.
    departed_at: Option<Instant>,
    is_here: bool,
    /// Redis has confirmed the arrival: the other gateways know that the user is there.
    is_confirmed: bool,
}

/// The changes that one call makes.
#[derive(Debug, Default)]
pub(super) struct PairBatch {
    pub(super) changes: Vec<PairChange>,
    /// How long a user who leaves with this call counts as present.
    pub(super) grace: Duration,
}

impl PresenceRegistry {
    pub(super) fn new(times: Times, pairs_max: usize, metrics: Arc<BusMetrics>) -> Self {
        let now = Instant::now();
        let state = State {
            entries: HashMap::new(),
            unconfirmed: HashSet::new(),
            lost: HashSet::new(),
            departed: VecDeque::new(),
            gathered_at: now,
            sweep_at: now,
            settled_at: now,
            retry_at: now,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), times, pairs_max, metrics }
    }

    /// A user entered a topic. Overflow policy: a pair beyond the bound is dropped and counted.
    pub(super) fn enter(&self, topic: TopicId, present: Present) {
        let (pair, now) = ((topic, present.user), Instant::now());
        let mut state = self.state();
        if let Some(entry) = state.entries.get_mut(&pair) {
            // After the grace the subscribers were notified of the departure: this is another arrival.
            let is_over = entry.departed_at.take().is_some_and(|at| now >= at + self.times.grace);
            entry.is_confirmed &= !is_over;
            entry.is_here = true;
            entry.profile = present.profile;
        } else if state.entries.len() >= self.pairs_max {
            self.metrics.presence_dropped.add(1);
            return;
        } else {
            let profile = present.profile;
            let entry = PairEntry { profile, departed_at: None, is_here: true, is_confirmed: false };
            state.entries.insert(pair, entry);
            self.metrics.presence_pairs.add(1);
        }
        self.add_unconfirmed(state, pair, now);
    }

    /// A user left a topic.
    pub(super) fn leave(&self, topic: TopicId, user: UserId) {
        let (pair, now) = ((topic, user), Instant::now());
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(&pair).filter(|entry| entry.is_here) else { return };
        entry.is_here = false;
        self.add_unconfirmed(state, pair, now);
    }

    fn add_unconfirmed(&self, mut state: MutexGuard<'_, State>, pair: Pair, now: Instant) {
        let is_first = state.unconfirmed.is_empty();
        // A lost pair is restored in the state that it has by then.
        if !state.lost.contains(&pair) {
            state.unconfirmed.insert(pair);
        }
        if is_first {
            state.gathered_at = now + GATHER;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Waits until there is something to do. Cancel-safe.
    pub(super) async fn due(&self) {
        loop {
            let at = self.state().next_due();
            if at <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(at) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Takes the changes of one call, in the state that the pairs have at this moment.
    pub(super) fn take(&self) -> PairBatch {
        let now = Instant::now();
        let mut state = self.state();
        self.forget_departures(&mut state, now);
        let settling = state.settled_at.saturating_duration_since(now);
        let restores = !state.lost.is_empty();
        let pairs: Vec<Pair> = if restores {
            state.lost.iter().take(CHANGES_PER_CALL).copied().collect()
        } else if settling.is_zero() {
            state.unconfirmed.iter().take(CHANGES_PER_CALL).copied().collect()
        } else {
            Vec::new()
        };
        let mut batch =
            PairBatch { changes: Vec::with_capacity(pairs.len()), grace: self.times.grace.max(settling) };
        for pair in pairs {
            state.lost.remove(&pair);
            state.unconfirmed.remove(&pair);
            let Some(entry) = state.entries.get(&pair) else { continue };
            let kind = match (entry.is_here, restores) {
                (true, false) => PairChangeKind::Enter,
                (true, true) => PairChangeKind::Restore,
                (false, false) => PairChangeKind::Leave,
                (false, true) => PairChangeKind::RestoreLeaving,
            };
            batch.changes.push(PairChange { kind, pair, profile: entry.profile.clone() });
        }
        batch
    }

    /// Redis has made the changes; `next` is the time until the next grace or lease ends.
    pub(super) fn confirm(&self, batch: PairBatch, next: Duration) {
        let now = Instant::now();
        let mut guard = self.state();
        let state = &mut *guard;
        for change in batch.changes {
            let Some(entry) = state.entries.get_mut(&change.pair) else { continue };
            let was_here = matches!(change.kind, PairChangeKind::Enter | PairChangeKind::Restore);
            entry.is_confirmed |= was_here;
            if !was_here && !entry.is_here {
                entry.departed_at = Some(now);
                state.departed.push_back((now, change.pair));
            }
        }
        state.sweep_at = now + next.clamp(SWEEP_MIN, self.times.sweep.max(SWEEP_MIN));
    }

    /// Redis has not made the changes, or the outcome is unknown.
    pub(super) fn put_back(&self, batch: PairBatch) {
        let mut state = self.state();
        for change in batch.changes {
            if matches!(change.kind, PairChangeKind::Restore | PairChangeKind::RestoreLeaving) {
                state.lost.insert(change.pair);
                state.unconfirmed.remove(&change.pair);
            } else if !state.lost.contains(&change.pair) {
                state.unconfirmed.insert(change.pair);
            }
        }
    }

    /// Redis refused the changes: they are tried again after a while.
    pub(super) fn put_off(&self, batch: PairBatch) {
        self.put_back(batch);
        self.state().retry_at = Instant::now() + self.times.sweep;
    }

    /// The lease had expired, so that other gateways may have notified the subscribers that all users left. The data is
    /// there: Redis knows which users came back in time.
    pub(super) fn lease_lost(&self) {
        let mut guard = self.state();
        let State { entries, unconfirmed, lost, .. } = &mut *guard;
        let here = entries.iter().filter(|(pair, entry)| entry.is_here && !lost.contains(*pair));
        unconfirmed.extend(here.map(|(pair, _)| *pair));
    }

    /// The data was lost, or older data is back. The registry restores the confirmed pairs without a notification. New arrivals
    /// wait until the other gateways had the time to restore theirs, since a user may not be new to them.
    pub(super) fn data_lost(&self) {
        let mut guard = self.state();
        let State { entries, unconfirmed, lost, settled_at, .. } = &mut *guard;
        let confirmed = entries.iter().filter(|(_, entry)| entry.is_confirmed);
        lost.extend(confirmed.map(|(pair, _)| *pair));
        unconfirmed.retain(|pair| !lost.contains(pair));
        *settled_at = Instant::now() + self.times.settle;
        drop(guard);
        self.changed.notify_one();
    }

    /// All users leave at once; the changes do not wait for other gateways to restore theirs.
    pub(super) fn leave_all(&self) {
        let mut guard = self.state();
        let State { entries, unconfirmed, lost, settled_at, .. } = &mut *guard;
        for (pair, entry) in entries.iter_mut().filter(|(_, entry)| entry.is_here) {
            entry.is_here = false;
            if !lost.contains(pair) {
                unconfirmed.insert(*pair);
            }
        }
        *settled_at = Instant::now();
    }

    /// Whether Redis has confirmed all changes.
    pub(super) fn is_synchronized(&self) -> bool {
        let state = self.state();
        state.unconfirmed.is_empty() && state.lost.is_empty()
    }

    /// Forgets the departures that are old enough.
    fn forget_departures(&self, state: &mut State, now: Instant) {
        while let Some((at, pair)) = state.departed.front().copied()
            && now >= at + self.times.grace + REMEMBER
        {
            state.departed.pop_front();
            // Otherwise the user came back meanwhile, or has left once more.
            if state.entries.get(&pair).is_some_and(|entry| entry.departed_at == Some(at)) {
                state.entries.remove(&pair);
                self.metrics.presence_pairs.subtract(1);
            }
        }
        if state.departed.is_empty() {
            mem::take(&mut state.departed);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete in itself, so that a panic elsewhere cannot tear it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When the next call is due: at once for lost pairs, otherwise when the changes have gathered or a grace may have ended.
    fn next_due(&self) -> Instant {
        let at = if !self.lost.is_empty() {
            Instant::now()
        } else if self.unconfirmed.is_empty() {
            self.sweep_at
        } else {
            self.gathered_at.max(self.settled_at).min(self.sweep_at)
        };
        at.max(self.retry_at)
    }
}

#[cfg(test)]
mod tests;
