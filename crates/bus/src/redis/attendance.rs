//! Which users this gateway has sockets of, in which topics, and which of that Redis has not confirmed.

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

use crate::{BusMetrics, Present};

/// Changes that one call carries: about two milliseconds of Redis, with a few listeners each.
pub(super) const CHANGES_PER_CALL: usize = 256;
/// What comes within so long leaves in one call.
const GATHER: Duration = Duration::from_millis(25);
/// The shortest time between two calls that only look for what is due.
const SWEEP_MIN: Duration = Duration::from_millis(100);
/// How much longer than the grace a departure is remembered, so that it can be put back where Redis lost it. By then
/// it has been told: it is due with the grace's end, and a gateway that waits for it looks at once.
const REMEMBER: Duration = Duration::from_secs(2);

/// A user in a topic.
pub(super) type Pair = (TopicId, UserId);

/// The times of one shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// How long who has gone counts as present.
    pub(super) grace: Duration,
    /// The longest time between two calls.
    pub(super) sweep: Duration,
    /// How long it takes until all gateways have noticed that the data was lost, and put back what they have.
    pub(super) settle: Duration,
}

/// The wishes of one shard: as with those of the registrar, nothing is queued but the set of pairs whose entry in Redis may not
/// agree, and the last wish for a pair is the one that is carried out.
#[derive(Debug)]
pub(super) struct Attendance {
    state: Mutex<State>,
    changed: Notify,
    times: Times,
    pairs_max: usize,
    metrics: Arc<BusMetrics>,
}

#[derive(Debug)]
struct State {
    stays: HashMap<Pair, Stay>,
    unconfirmed: HashSet<Pair>,
    /// To be put back after the data was lost; before all else.
    lost: HashSet<Pair>,
    /// Departures that are confirmed, oldest first, to be forgotten.
    departed: VecDeque<(Instant, Pair)>,
    /// When what has gathered leaves.
    gathered_at: Instant,
    /// When something may be due in Redis.
    sweep_at: Instant,
    /// Until then nothing is told: others may not have put back what they have.
    settled_at: Instant,
    /// Redis refused: until then it is not asked again.
    retry_at: Instant,
}

/// One user's stay in one topic.
#[derive(Debug)]
struct Stay {
    card: Bytes,
    /// Of a departure, when it was confirmed; an arrival has none, nor has a departure on its way.
    departed_at: Option<Instant>,
    is_here: bool,
    /// Redis has confirmed it: the others were told, or knew, that the user is there.
    is_known: bool,
}

/// What a call is to do with a pair; the letters of `presence.lua`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Has come.
    Enter,
    /// Has gone.
    Leave,
    /// Was there before the data was lost.
    Restore,
    /// Had just gone before the data was lost.
    RestoreLeaving,
}

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) pair: Pair,
    pub(super) card: Bytes,
}

/// What was taken to be carried out.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) changes: Vec<Change>,
    /// How long whoever goes now counts as present.
    pub(super) grace: Duration,
}

impl Kind {
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Enter => "+",
            Self::Leave => "-",
            Self::Restore => "=",
            Self::RestoreLeaving => "~",
        }
    }

    fn restores(self) -> bool {
        matches!(self, Self::Restore | Self::RestoreLeaving)
    }
}

impl Attendance {
    pub(super) fn new(times: Times, pairs_max: usize, metrics: Arc<BusMetrics>) -> Self {
        let now = Instant::now();
        let state = State {
            stays: HashMap::new(),
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

    /// A user has come. Overflow policy: a pair too many is dropped and counted.
    pub(super) fn enter(&self, topic: TopicId, present: Present) {
        let (pair, now) = ((topic, present.user), Instant::now());
        let mut state = self.state();
        if let Some(stay) = state.stays.get_mut(&pair) {
            // Past the grace its departure has been told: this is another arrival.
            let is_over = stay.departed_at.take().is_some_and(|at| now >= at + self.times.grace);
            stay.is_known &= !is_over;
            stay.is_here = true;
            stay.card = present.card;
        } else if state.stays.len() >= self.pairs_max {
            self.metrics.presence_dropped.add(1);
            return;
        } else {
            let stay = Stay { card: present.card, departed_at: None, is_here: true, is_known: false };
            state.stays.insert(pair, stay);
            self.metrics.presence_pairs.add(1);
        }
        self.want(state, pair, now);
    }

    /// A user has gone.
    pub(super) fn leave(&self, topic: TopicId, user: UserId) {
        let (pair, now) = ((topic, user), Instant::now());
        let mut state = self.state();
        let Some(stay) = state.stays.get_mut(&pair).filter(|stay| stay.is_here) else { return };
        stay.is_here = false;
        self.want(state, pair, now);
    }

    fn want(&self, mut state: MutexGuard<'_, State>, pair: Pair, now: Instant) {
        let is_first = state.unconfirmed.is_empty();
        // What is to be put back is put back as it is wanted by then.
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

    /// Takes what one call carries, as wanted at this moment.
    pub(super) fn take(&self) -> Work {
        let now = Instant::now();
        let mut state = self.state();
        self.forget(&mut state, now);
        let settling = state.settled_at.saturating_duration_since(now);
        let restores = !state.lost.is_empty();
        let pairs: Vec<Pair> = if restores {
            state.lost.iter().take(CHANGES_PER_CALL).copied().collect()
        } else if settling.is_zero() {
            state.unconfirmed.iter().take(CHANGES_PER_CALL).copied().collect()
        } else {
            Vec::new()
        };
        let mut work =
            Work { changes: Vec::with_capacity(pairs.len()), grace: self.times.grace.max(settling) };
        for pair in pairs {
            state.lost.remove(&pair);
            state.unconfirmed.remove(&pair);
            let Some(stay) = state.stays.get(&pair) else { continue };
            let kind = match (stay.is_here, restores) {
                (true, false) => Kind::Enter,
                (true, true) => Kind::Restore,
                (false, false) => Kind::Leave,
                (false, true) => Kind::RestoreLeaving,
            };
            work.changes.push(Change { kind, pair, card: stay.card.clone() });
        }
        work
    }

    /// The work was done, and Redis has more in a while.
    pub(super) fn confirm(&self, work: Work, next: Duration) {
        let now = Instant::now();
        let mut guard = self.state();
        let state = &mut *guard;
        for change in work.changes {
            let Some(stay) = state.stays.get_mut(&change.pair) else { continue };
            let was_here = matches!(change.kind, Kind::Enter | Kind::Restore);
            stay.is_known |= was_here;
            if !was_here && !stay.is_here {
                stay.departed_at = Some(now);
                state.departed.push_back((now, change.pair));
            }
        }
        state.sweep_at = now + next.clamp(SWEEP_MIN, self.times.sweep.max(SWEEP_MIN));
    }

    /// The work was not done, or that is not known.
    pub(super) fn put_back(&self, work: Work) {
        let mut state = self.state();
        for change in work.changes {
            if change.kind.restores() {
                state.lost.insert(change.pair);
                state.unconfirmed.remove(&change.pair);
            } else if !state.lost.contains(&change.pair) {
                state.unconfirmed.insert(change.pair);
            }
        }
    }

    /// Redis refuses: it is tried again after a while.
    pub(super) fn put_off(&self, work: Work) {
        self.put_back(work);
        self.state().retry_at = Instant::now() + self.times.sweep;
    }

    /// The lease had ended, so that the others may have told that all have gone. The data is there: it knows who came back
    /// in time.
    pub(super) fn lease_lost(&self) {
        let mut guard = self.state();
        let State { stays, unconfirmed, lost, .. } = &mut *guard;
        let here = stays.iter().filter(|(pair, stay)| stay.is_here && !lost.contains(*pair));
        unconfirmed.extend(here.map(|(pair, _)| *pair));
    }

    /// The data was lost, or is older. What was known is put back, without a word; what is new waits until others
    /// had the time to do so too, since it may not be new to them.
    pub(super) fn data_lost(&self) {
        let mut guard = self.state();
        let State { stays, unconfirmed, lost, settled_at, .. } = &mut *guard;
        let known = stays.iter().filter(|(_, stay)| stay.is_known);
        lost.extend(known.map(|(pair, _)| *pair));
        unconfirmed.retain(|pair| !lost.contains(pair));
        *settled_at = Instant::now() + self.times.settle;
        drop(guard);
        self.changed.notify_one();
    }

    /// All go; at once, without waiting for what settles.
    pub(super) fn leave_all(&self) {
        let mut guard = self.state();
        let State { stays, unconfirmed, lost, settled_at, .. } = &mut *guard;
        for (pair, stay) in stays.iter_mut().filter(|(_, stay)| stay.is_here) {
            stay.is_here = false;
            if !lost.contains(pair) {
                unconfirmed.insert(*pair);
            }
        }
        *settled_at = Instant::now();
    }

    /// Whether there is nothing to carry out.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.state();
        state.unconfirmed.is_empty() && state.lost.is_empty()
    }

    fn forget(&self, state: &mut State, now: Instant) {
        while let Some((at, pair)) = state.departed.front().copied()
            && now >= at + self.times.grace + REMEMBER
        {
            state.departed.pop_front();
            // Else it came back meanwhile, or has gone once more.
            if state.stays.get(&pair).is_some_and(|stay| stay.departed_at == Some(at)) {
                state.stays.remove(&pair);
                self.metrics.presence_pairs.subtract_len(1);
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
    /// When there is something to do: what was lost at once, else what has gathered, or what may be due.
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
