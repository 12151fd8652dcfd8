//! Sweeps: the heads of the topics here are compared with the store's.
//!
//! A sweep finds what no gateway can see: an event whose publisher died between commit and publication.

use std::{sync::Arc, time::Duration};

use madang_domain::{Result, Seq, TopicId};
use madang_rpc::{MessageStore, store::Heads};
use tokio::time::Instant;

/// How often the heads of topics that were lately active are compared. With the repair that follows, it bounds how long a
/// lost publication stays unnoticed.
const ACTIVE_EVERY: Duration = Duration::from_secs(2);
/// How often all heads are compared. A publisher that died between commit and publication leaves a quiet topic stale for
/// so long; the promise is five seconds. A thousand topics are one cheap call.
pub(super) const ALL_EVERY: Duration = Duration::from_secs(4);
/// How long after its last event a topic counts as lately active.
const ACTIVE: Duration = Duration::from_secs(60);
/// The topics whose heads one call asks for.
const PAGE_TOPICS: usize = 1_000;

/// Which topics a sweep compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    All,
    /// Those that were lately active.
    Active,
}

impl Scope {
    /// Whether a topic belongs to the sweep, by the time of its last event.
    pub(super) fn includes(self, active_at: Instant, now: Instant) -> bool {
        self == Self::All || now.duration_since(active_at) < ACTIVE
    }
}

/// The sweeps of one shard.
#[derive(Debug)]
pub(super) struct Sweeps {
    /// The calls that have not been answered yet.
    running: usize,
    /// Another sweep of all topics was asked for while one ran.
    is_wanted: bool,
    /// A call of the last sweep has failed, so that the next one begins as soon as somebody looks.
    has_failed: bool,
    active_at: Instant,
    all_at: Instant,
}

impl Sweeps {
    pub(super) fn new(now: Instant) -> Self {
        Self { running: 0, is_wanted: false, has_failed: false, active_at: now, all_at: now }
    }

    /// The sweep that is due by the clock.
    pub(super) fn due(&mut self, now: Instant) -> Option<Scope> {
        if self.has_failed || now.duration_since(self.all_at) >= ALL_EVERY {
            return self.ask_all(now);
        }
        if now.duration_since(self.active_at) >= ACTIVE_EVERY && self.running == 0 {
            self.active_at = now;
            return Some(Scope::Active);
        }
        None
    }

    /// A sweep of all topics is asked for. While another sweep runs, it begins after that one.
    pub(super) fn ask_all(&mut self, now: Instant) -> Option<Scope> {
        if self.running > 0 {
            self.is_wanted = true;
            return None;
        }
        self.active_at = now;
        self.all_at = now;
        self.has_failed = false;
        Some(Scope::All)
    }

    /// Divides the topics of a sweep into the pages of its calls, which begin now.
    pub(super) fn begin(&mut self, topics: &[TopicId]) -> Vec<Vec<TopicId>> {
        let pages: Vec<_> = topics.chunks(PAGE_TOPICS).map(<[_]>::to_vec).collect();
        self.running += pages.len();
        pages
    }

    /// A call has failed: its topics are compared again soon, with all others.
    pub(super) const fn failed(&mut self) {
        self.has_failed = true;
    }

    /// A call has been answered. Answers the sweep that was asked for in the meantime.
    pub(super) fn end(&mut self, now: Instant) -> Option<Scope> {
        self.running -= 1;
        if self.running == 0 && std::mem::take(&mut self.is_wanted) { self.ask_all(now) } else { None }
    }
}

/// The store's heads of topics.
pub(super) async fn heads(store: Arc<dyn MessageStore>, topics: Vec<TopicId>) -> Result<Vec<(TopicId, Seq)>> {
    store.heads(Heads { topics }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId::Inbox(madang_domain::UserId::new(uuid::Uuid::nil()));

    #[test]
    fn a_sweep_that_fails_is_repeated_soon_and_not_at_once() {
        let began = Instant::now();
        let mut sweeps = Sweeps::new(began);
        let at = |seconds| began + Duration::from_secs_f64(seconds);
        assert_eq!(sweeps.due(at(1.9)), None);
        assert_eq!(sweeps.due(at(4.0)), Some(Scope::All));
        assert_eq!(sweeps.begin(&[TOPIC]).len(), 1);
        sweeps.failed();
        assert_eq!(sweeps.end(at(4.1)), None, "a store that is down would be asked without end");
        assert_eq!(sweeps.due(at(4.5)), Some(Scope::All));
        sweeps.begin(&[TOPIC]);
        assert_eq!(sweeps.end(at(4.6)), None);
        assert_eq!(sweeps.due(at(5.0)), None, "it has succeeded");
    }
}
