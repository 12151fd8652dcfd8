//! Which topics this gateway wants to listen to, and which of those wishes Redis has not confirmed.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madang_domain::TopicId;
use tokio::sync::{Notify, oneshot};

use super::scripts::Change;
use crate::{BusMetrics, Listening};

/// The wishes of one shard. They are changed at once by the callers, and are the truth from which the keeper
/// registers; nothing is queued but the set of topics whose entry in Redis may not agree with them.
/// So a topic that is left and wanted again ends registered, whatever the order of the calls to Redis.
#[derive(Debug)]
pub(super) struct Wishes {
    state: Mutex<State>,
    changed: Notify,
    metrics: Arc<BusMetrics>,
}

#[derive(Debug, Default)]
struct State {
    wanted: HashSet<TopicId>,
    unconfirmed: HashSet<TopicId>,
    waiters: Vec<oneshot::Sender<Listening>>,
    /// Redis is known to be away: wishes are deferred at once.
    is_down: bool,
    /// Somebody was told that a wish is deferred, and is owed a reset.
    owes_reset: bool,
}

/// What was taken to be registered.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) changes: Vec<Change>,
    waiters: Vec<oneshot::Sender<Listening>>,
    owes_reset: bool,
}

impl Wishes {
    pub(super) fn new(metrics: Arc<BusMetrics>) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), metrics }
    }

    /// Wants the topics. The answer comes through the channel, or `None`: deferred.
    pub(super) fn listen(
        &self,
        topics: impl Iterator<Item = TopicId>,
    ) -> Option<oneshot::Receiver<Listening>> {
        let mut state = self.state();
        for topic in topics {
            if state.wanted.insert(topic) {
                self.metrics.listeners.add(1);
            }
            state.unconfirmed.insert(topic);
        }
        let answer = if state.is_down {
            state.owes_reset = true;
            None
        } else {
            let (waiter, answer) = oneshot::channel();
            state.waiters.push(waiter);
            Some(answer)
        };
        drop(state);
        self.changed.notify_one();
        answer
    }

    /// No longer wants the topics.
    pub(super) fn unlisten(&self, topics: impl Iterator<Item = TopicId>) {
        let mut state = self.state();
        for topic in topics {
            if state.wanted.remove(&topic) {
                self.metrics.listeners.subtract_len(1);
                state.unconfirmed.insert(topic);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until there may be something to take.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Nothing is known to be registered any more.
    pub(super) fn forget_confirmations(&self) {
        let mut state = self.state();
        let State { wanted, unconfirmed, .. } = &mut *state;
        unconfirmed.extend(wanted.iter().copied());
    }

    /// No topic is wanted any more.
    pub(super) fn want_nothing(&self) {
        let mut state = self.state();
        let wanted = mem::take(&mut state.wanted);
        self.metrics.listeners.subtract_len(wanted.len());
        state.unconfirmed.extend(wanted);
    }

    /// Redis is known to be away: whoever waits is told.
    pub(super) fn go_down(&self) {
        let mut state = self.state();
        state.is_down = true;
        for waiter in mem::take(&mut state.waiters) {
            // Whoever does not wait any longer counts as deferred too.
            let _ = waiter.send(Listening::Deferred);
            state.owes_reset = true;
        }
    }

    /// Redis is back: who listens from now on waits for the answer.
    pub(super) fn come_up(&self) {
        self.state().is_down = false;
    }

    /// Takes all that is unconfirmed, as wanted at this moment.
    pub(super) fn take(&self) -> Work {
        let mut state = self.state();
        let unconfirmed = mem::take(&mut state.unconfirmed);
        let changes = unconfirmed
            .into_iter()
            .map(|topic| Change { topic, listen: state.wanted.contains(&topic) })
            .collect();
        Work { changes, waiters: mem::take(&mut state.waiters), owes_reset: mem::take(&mut state.owes_reset) }
    }

    /// The work was done. Tells whether a reset is owed now.
    pub(super) fn confirm(&self, work: Work) -> bool {
        let mut owes_reset = work.owes_reset;
        for waiter in work.waiters {
            // Nobody there: the caller's deadline passed, and it took the wish for deferred.
            owes_reset |= waiter.send(Listening::Registered).is_err();
        }
        owes_reset
    }

    /// The work was not done, or that is not known.
    pub(super) fn put_back(&self, work: Work) {
        let mut state = self.state();
        state.unconfirmed.extend(work.changes.iter().map(|change| change.topic));
        state.waiters.extend(work.waiters);
        state.owes_reset |= work.owes_reset;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete in itself, so that a panic elsewhere cannot tear it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use madang_domain::RoomId;
    use uuid::Uuid;

    use super::*;

    fn topic(number: u128) -> TopicId {
        TopicId::Room(RoomId::new(Uuid::from_u128(number)))
    }

    fn wishes() -> Wishes {
        Wishes::new(Arc::default())
    }

    #[test]
    fn the_last_wish_for_a_topic_is_the_one_that_is_registered() {
        let wishes = wishes();
        let _answer = wishes.listen(iter::once(topic(1)));
        wishes.unlisten(iter::once(topic(1)));
        let _answer = wishes.listen(iter::once(topic(1)));
        let _answer = wishes.listen(iter::once(topic(2)));
        wishes.unlisten(iter::once(topic(2)));
        let mut changes = wishes.take().changes;
        changes.sort_by_key(|change| change.topic);
        let expected = [Change { topic: topic(1), listen: true }, Change { topic: topic(2), listen: false }];
        assert_eq!(changes, expected);
        assert_eq!(wishes.metrics.snapshot().listeners, 1);
    }

    #[test]
    fn work_that_failed_is_taken_again_with_the_newest_wish() {
        let wishes = wishes();
        let _answer = wishes.listen(iter::once(topic(1)));
        let work = wishes.take();
        wishes.unlisten(iter::once(topic(1)));
        wishes.put_back(work);
        assert_eq!(wishes.take().changes, [Change { topic: topic(1), listen: false }]);
        assert!(wishes.take().changes.is_empty());
    }

    #[test]
    fn whoever_was_told_deferred_is_owed_one_reset() {
        let wishes = wishes();
        let mut waiting = wishes.listen(iter::once(topic(1))).unwrap();
        wishes.go_down();
        assert_eq!(waiting.try_recv(), Ok(Listening::Deferred));
        assert!(wishes.listen(iter::once(topic(2))).is_none());
        wishes.come_up();
        let work = wishes.take();
        assert_eq!(work.changes.len(), 2);
        assert!(wishes.confirm(work));
        let work = wishes.take();
        assert!(!wishes.confirm(work));
    }

    #[test]
    fn a_caller_whose_deadline_passed_is_owed_a_reset() {
        let wishes = wishes();
        drop(wishes.listen(iter::once(topic(1))));
        let work = wishes.take();
        assert!(wishes.confirm(work));
    }
}
