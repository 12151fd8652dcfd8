//! What the shards report: their status, and the resets that they owe.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc, watch};
use tracing::{info, warn};

use crate::{
    bus::{Delivery, ResetReason},
    metrics::BusMetrics,
    status::{BusStatus, ShardFault, ShardStatus},
};

/// The part of one shard in the status of the bus.
#[derive(Debug, Clone)]
pub(super) struct ShardStatusReport {
    shard: u16,
    status: watch::Sender<BusStatus>,
}

impl ShardStatusReport {
    pub(super) fn new(shard: u16, status: watch::Sender<BusStatus>) -> Self {
        Self { shard, status }
    }

    pub(super) fn healthy(&self) {
        if self.set(ShardStatus::Healthy) {
            info!(shard = self.shard, "the bus is healthy");
        }
    }

    /// Reports what is wrong, and logs it if it is new.
    pub(super) fn unhealthy(&self, fault: ShardFault, cause: Option<&dyn fmt::Display>) {
        if self.set(ShardStatus::Unhealthy(fault)) {
            let cause = cause.map(tracing::field::display);
            warn!(shard = self.shard, %fault, cause, "the bus is not healthy");
        }
    }

    fn set(&self, new: ShardStatus) -> bool {
        self.status.send_if_modified(|status| {
            let Some(current) = status.shards.get_mut(usize::from(self.shard)) else { return false };
            let is_new = *current != new;
            *current = new;
            is_new
        })
    }
}

/// Resets on their way to the gateway. A task that owes one never waits for a slow gateway. Resets for the same reason become
/// one.
#[derive(Debug, Default)]
pub(super) struct PendingResets {
    owed: Mutex<Vec<ResetReason>>,
    added: Notify,
}

impl PendingResets {
    pub(super) fn owe(&self, reason: ResetReason) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if !owed.contains(&reason) {
            owed.push(reason);
        }
        drop(owed);
        self.added.notify_one();
    }

    /// Delivers the resets that are owed, until the gateway drops its end of the queue. The caller cancels it by dropping.
    pub(super) async fn deliver(self: Arc<Self>, queue: mpsc::Sender<Delivery>, metrics: Arc<BusMetrics>) {
        loop {
            tokio::select! {
                () = self.added.notified() => {}
                () = queue.closed() => return,
            }
            let Ok(permit) = queue.reserve().await else { return };
            let mut permit = Some(permit);
            let owed = std::mem::take(&mut *self.owed.lock().unwrap_or_else(PoisonError::into_inner));
            for reason in owed {
                info!(%reason, "entries may have been lost");
                metrics.resets.add(1);
                let delivery = Delivery::Reset(reason);
                match permit.take() {
                    Some(permit) => permit.send(delivery),
                    None if queue.send(delivery).await.is_err() => return,
                    None => {}
                }
            }
        }
    }
}
