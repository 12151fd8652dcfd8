//! The topics to which this gateway wants to be subscribed, and which of these subscriptions Redis has not confirmed.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madang_domain::TopicId;
use tokio::sync::{Notify, oneshot};

use super::scripts::SubscriptionChange;
use crate::{bus::Subscribed, metrics::BusMetrics};

/// The wanted subscriptions of one shard. Callers change them at once, and the lease task registers from them: they are the
/// truth. Nothing is queued but the set of topics whose entry in Redis may differ from them. So a topic that is left and
/// wanted again ends up registered, whatever the order of the calls to Redis.
#[derive(Debug)]
pub(super) struct WantedSubscriptions {
    state: Mutex<State>,
    changed: Notify,
    metrics: Arc<BusMetrics>,
}

#[derive(Debug, Default)]
struct State {
    wanted: HashSet<TopicId>,
    unconfirmed: HashSet<TopicId>,
    waiters: Vec<oneshot::Sender<Subscribed>>,
    /// Redis is known to be unreachable: subscriptions are deferred at once.
    is_unreachable: bool,
    /// A caller was told that its subscriptions are deferred, and a reset is owed.
    owes_reset: bool,
}

/// The changes that a task takes to register them.
#[derive(Debug)]
pub(super) struct SubscriptionBatch {
    pub(super) changes: Vec<SubscriptionChange>,
    waiters: Vec<oneshot::Sender<Subscribed>>,
    owes_reset: bool,
}

impl WantedSubscriptions {
    pub(super) fn new(metrics: Arc<BusMetrics>) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), metrics }
    }

    /// Adds the topics. The answer comes through the channel; `None` means that the subscriptions are deferred.
    pub(super) fn subscribe(
        &self,
        topics: impl Iterator<Item = TopicId>,
    ) -> Option<oneshot::Receiver<Subscribed>> {
        let mut state = self.state();
        for topic in topics {
            if state.wanted.insert(topic) {
                self.metrics.subscriptions.add(1);
            }
            state.unconfirmed.insert(topic);
        }
        let answer = if state.is_unreachable {
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

    /// Removes the topics.
    pub(super) fn unsubscribe(&self, topics: impl Iterator<Item = TopicId>) {
        let mut state = self.state();
        for topic in topics {
            if state.wanted.remove(&topic) {
                self.metrics.subscriptions.subtract(1);
                state.unconfirmed.insert(topic);
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until there may be changes to take.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Marks all subscriptions as unconfirmed.
    pub(super) fn forget_confirmations(&self) {
        let mut state = self.state();
        let State { wanted, unconfirmed, .. } = &mut *state;
        unconfirmed.extend(wanted.iter().copied());
    }

    /// Removes all topics.
    pub(super) fn unsubscribe_all(&self) {
        let mut state = self.state();
        let wanted = mem::take(&mut state.wanted);
        self.metrics.subscriptions.subtract_len(wanted.len());
        state.unconfirmed.extend(wanted);
    }

    /// Redis is known to be unreachable: the callers who wait are told that their subscriptions are deferred.
    pub(super) fn mark_unreachable(&self) {
        let mut state = self.state();
        state.is_unreachable = true;
        for waiter in mem::take(&mut state.waiters) {
            // A caller that does not wait any longer counts as deferred too.
            let _ = waiter.send(Subscribed::Deferred);
            state.owes_reset = true;
        }
    }

    /// Redis is back: callers that subscribe from now on wait for the answer.
    pub(super) fn mark_reachable(&self) {
        self.state().is_unreachable = false;
    }

    /// Takes all unconfirmed changes, as they are wanted at this moment.
    pub(super) fn take(&self) -> SubscriptionBatch {
        let mut state = self.state();
        let unconfirmed = mem::take(&mut state.unconfirmed);
        let changes = unconfirmed
            .into_iter()
            .map(|topic| SubscriptionChange { topic, subscribe: state.wanted.contains(&topic) })
            .collect();
        SubscriptionBatch {
            changes,
            waiters: mem::take(&mut state.waiters),
            owes_reset: mem::take(&mut state.owes_reset),
        }
    }

    /// Redis has registered the batch. Returns whether a reset is owed now.
    pub(super) fn confirm(&self, batch: SubscriptionBatch) -> bool {
        let mut owes_reset = batch.owes_reset;
        for waiter in batch.waiters {
            // A caller that is gone reached its deadline and took its subscriptions for deferred.
            owes_reset |= waiter.send(Subscribed::Registered).is_err();
        }
        owes_reset
    }

    /// Redis has not registered the batch, or the outcome is unknown.
    pub(super) fn put_back(&self, batch: SubscriptionBatch) {
        let mut state = self.state();
        state.unconfirmed.extend(batch.changes.iter().map(|change| change.topic));
        state.waiters.extend(batch.waiters);
        state.owes_reset |= batch.owes_reset;
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

    fn subscriptions() -> WantedSubscriptions {
        WantedSubscriptions::new(Arc::default())
    }

    #[test]
    fn the_last_change_of_a_topic_is_the_one_that_is_registered() {
        let subscriptions = subscriptions();
        let _answer = subscriptions.subscribe(iter::once(topic(1)));
        subscriptions.unsubscribe(iter::once(topic(1)));
        let _answer = subscriptions.subscribe(iter::once(topic(1)));
        let _answer = subscriptions.subscribe(iter::once(topic(2)));
        subscriptions.unsubscribe(iter::once(topic(2)));
        let mut changes = subscriptions.take().changes;
        changes.sort_by_key(|change| change.topic);
        let expected = [
            SubscriptionChange { topic: topic(1), subscribe: true },
            SubscriptionChange { topic: topic(2), subscribe: false },
        ];
        assert_eq!(changes, expected);
        assert_eq!(subscriptions.metrics.subscriptions.get(), 1);
    }

    #[test]
    fn a_batch_that_failed_is_taken_again_as_it_is_wanted_by_then() {
        let subscriptions = subscriptions();
        let _answer = subscriptions.subscribe(iter::once(topic(1)));
        let batch = subscriptions.take();
        subscriptions.unsubscribe(iter::once(topic(1)));
        subscriptions.put_back(batch);
        assert_eq!(subscriptions.take().changes, [SubscriptionChange { topic: topic(1), subscribe: false }]);
        assert!(subscriptions.take().changes.is_empty());
    }

    #[test]
    fn callers_who_were_deferred_are_owed_one_reset() {
        let subscriptions = subscriptions();
        let mut waiting = subscriptions.subscribe(iter::once(topic(1))).unwrap();
        subscriptions.mark_unreachable();
        assert_eq!(waiting.try_recv(), Ok(Subscribed::Deferred));
        assert!(subscriptions.subscribe(iter::once(topic(2))).is_none());
        subscriptions.mark_reachable();
        let batch = subscriptions.take();
        assert_eq!(batch.changes.len(), 2);
        assert!(subscriptions.confirm(batch));
        let batch = subscriptions.take();
        assert!(!subscriptions.confirm(batch));
    }

    #[test]
    fn a_caller_that_reached_its_deadline_is_owed_a_reset() {
        let subscriptions = subscriptions();
        drop(subscriptions.subscribe(iter::once(topic(1))));
        let batch = subscriptions.take();
        assert!(subscriptions.confirm(batch));
    }
}
