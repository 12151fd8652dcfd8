//! The queue of deliveries of one gateway, and what happens when it is full.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madang_domain::GatewayId;
use tokio::sync::mpsc;

use crate::{
    bus::{Deliveries, Delivery, ResetReason},
    metrics::BusMetrics,
};

/// Deliveries that wait for one gateway. When as many wait, further entries for it are dropped, and a [`Delivery::Reset`]
/// reports the loss.
pub const IN_PROCESS_QUEUE_DELIVERIES: usize = 4096;

/// The sending side of one gateway's queue.
#[derive(Debug)]
pub(super) struct GatewayQueue {
    pub(super) gateway: GatewayId,
    pub(super) metrics: Arc<BusMetrics>,
    state: Mutex<QueueState>,
}

/// Whether a queue took a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Taken,
    Refused,
}

/// One slot of the channel is kept back, so that the reset which a full queue owes always has a place.
#[derive(Debug)]
enum QueueState {
    /// The slot is kept.
    Open { sender: mpsc::Sender<Delivery>, reserve: mpsc::OwnedPermit<Delivery> },
    /// The slot was used: a reset waits in the channel, or has just been read.
    Overflowed { sender: mpsc::Sender<Delivery> },
    /// The gateway left.
    Closed,
}

impl GatewayQueue {
    pub(super) fn new(gateway: GatewayId, capacity: usize) -> (Self, Deliveries) {
        // One more, for the reserve.
        let (sender, deliveries) = mpsc::channel(capacity + 1);
        let state = Mutex::new(QueueState::reopen(sender));
        (Self { gateway, metrics: Arc::default(), state }, deliveries)
    }

    /// Overflow policy: the newest delivery is dropped, and a reset reports it.
    pub(super) fn offer(&self, delivery: Delivery) -> Offer {
        let mut state = self.state();
        // The reserve is taken back before anything else is sent. So a full channel without a reserve is
        // one from which nothing was read since the reset went in: the reset is still ahead of the reader.
        *state = match mem::replace(&mut *state, QueueState::Closed) {
            QueueState::Overflowed { sender } => QueueState::reopen(sender),
            other => other,
        };
        match &*state {
            QueueState::Open { sender, .. } => {
                if sender.try_send(delivery).is_ok() {
                    return Offer::Taken;
                }
            }
            QueueState::Overflowed { .. } | QueueState::Closed => return Offer::Refused,
        }
        if let QueueState::Open { sender, reserve } = mem::replace(&mut *state, QueueState::Closed) {
            reserve.send(Delivery::Reset(ResetReason::QueueFull));
            self.metrics.resets.add(1);
            *state = QueueState::Overflowed { sender };
        }
        Offer::Refused
    }

    /// Ends the queue once the gateway has read what waits in it.
    pub(super) fn close(&self) {
        *self.state() = QueueState::Closed;
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn reopen(sender: mpsc::Sender<Delivery>) -> Self {
        match sender.clone().try_reserve_owned() {
            Ok(reserve) => Self::Open { sender, reserve },
            Err(mpsc::error::TrySendError::Full(_)) => Self::Overflowed { sender },
            Err(mpsc::error::TrySendError::Closed(_)) => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(number: u8) -> Delivery {
        Delivery::Entries(vec![Bytes::from(vec![number])])
    }

    fn gateway() -> GatewayId {
        GatewayId::new(uuid::Uuid::from_u128(1))
    }

    #[test]
    fn a_full_queue_delivers_a_reset_each_time_that_it_overflows() {
        let (queue, mut deliveries) = GatewayQueue::new(gateway(), 2);
        assert_eq!(queue.offer(entry(1)), Offer::Taken);
        assert_eq!(queue.offer(entry(2)), Offer::Taken);
        assert_eq!(queue.offer(entry(3)), Offer::Refused);
        assert_eq!(queue.offer(entry(4)), Offer::Refused);
        for expected in [entry(1), entry(2), Delivery::Reset(ResetReason::QueueFull)] {
            assert_eq!(deliveries.try_recv(), Ok(expected));
        }
        assert!(
            deliveries.try_recv().is_err(),
            "one reset stands for all that was dropped before it is read"
        );

        for number in 5..=6 {
            assert_eq!(queue.offer(entry(number)), Offer::Taken);
        }
        assert_eq!(queue.offer(entry(7)), Offer::Refused);
        for expected in [entry(5), entry(6), Delivery::Reset(ResetReason::QueueFull)] {
            assert_eq!(deliveries.try_recv(), Ok(expected));
        }
    }

    #[test]
    fn a_closed_queue_ends_after_the_deliveries_that_wait() {
        let (queue, mut deliveries) = GatewayQueue::new(gateway(), 2);
        assert_eq!(queue.offer(entry(1)), Offer::Taken);
        queue.close();
        assert_eq!(queue.offer(entry(2)), Offer::Refused);
        assert_eq!(deliveries.blocking_recv(), Some(entry(1)));
        assert_eq!(deliveries.blocking_recv(), None);
    }
}
