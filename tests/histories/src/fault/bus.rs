//! A bus whose entries are lost, held, reversed or repeated on their way into one gateway.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use madang_bus::{Bus, BusMetrics, BusStatus, Deliveries, Delivery, Published, ResetReason, Subscribed};
use madang_domain::TopicId;
use tokio::sync::{mpsc, watch};

use crate::case::BusFault;

/// Deliveries that wait for the gateway, and orders that wait for the pump; a case has far fewer.
const WAITING_MAX: usize = 1_024;

/// What befalls one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Held,
    /// Waits for the others of its group; the last one lets all go.
    Reversed {
        last: bool,
    },
    Twice,
}

#[derive(Debug, Default)]
struct Plan {
    /// Of the entries to come, in order; those beyond come as they are.
    fates: VecDeque<Fate>,
    held: Vec<Bytes>,
    reversed: Vec<Bytes>,
    deaf: bool,
    /// The topics whose registration was put off.
    deferred: Vec<TopicId>,
}

/// An order to the pump.
#[derive(Debug)]
enum Order {
    Release,
    Reset(ResetReason),
}

/// What is to go wrong on the way into one gateway.
#[derive(Debug)]
pub(crate) struct BusFaults {
    plan: Mutex<Plan>,
    orders: mpsc::Sender<Order>,
}

impl BusFaults {
    /// Plans a fault.
    pub(crate) async fn plan(&self, fault: BusFault) {
        let fates = match fault {
            BusFault::Drop(count) => vec![Fate::Lost; count.into()],
            BusFault::Hold(count) => vec![Fate::Held; count.into()],
            BusFault::Repeat(count) => vec![Fate::Twice; count.into()],
            BusFault::Reverse(count) => {
                (1..=count).map(|place| Fate::Reversed { last: place == count }).collect()
            }
            BusFault::Reset => return self.reset().await,
            BusFault::Deaf => {
                self.lock().deaf = true;
                return;
            }
        };
        self.lock().fates.extend(fates);
    }

    /// Tells the gateway that entries may have been lost.
    pub(crate) async fn reset(&self) {
        self.order(Order::Reset(ResetReason::PeerDropped)).await;
    }

    async fn order(&self, order: Order) {
        // A pump that is gone has ended with its gateway.
        let _ = self.orders.send(order).await;
    }

    fn treat(&self, entries: Vec<Bytes>) -> Vec<Bytes> {
        let mut plan = self.lock();
        let mut out = Vec::with_capacity(entries.len());
        for entry in entries {
            match plan.fates.pop_front() {
                None => out.push(entry),
                Some(Fate::Lost) => {}
                Some(Fate::Held) => plan.held.push(entry),
                Some(Fate::Twice) => out.extend([entry.clone(), entry]),
                Some(Fate::Reversed { last }) => {
                    plan.reversed.push(entry);
                    if last {
                        out.extend(mem::take(&mut plan.reversed).into_iter().rev());
                    }
                }
            }
        }
        out
    }

    fn released(&self) -> Vec<Bytes> {
        let mut plan = self.lock();
        plan.fates.clear();
        let mut out = mem::take(&mut plan.reversed);
        out.reverse();
        out.append(&mut plan.held);
        out
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One gateway's end of the bus, with its faults.
pub(crate) struct FaultyBus {
    inner: Arc<dyn Bus>,
    faults: Arc<BusFaults>,
}

impl FaultyBus {
    /// Puts faults before a bus.
    #[must_use]
    pub(crate) fn new(inner: Arc<dyn Bus>, deliveries: Deliveries) -> (Arc<Self>, Deliveries) {
        let (orders, taken) = mpsc::channel(WAITING_MAX);
        let (out, outbox) = mpsc::channel(WAITING_MAX);
        let faults = Arc::new(BusFaults { plan: Mutex::default(), orders });
        tokio::spawn(pump(Arc::clone(&faults), deliveries, taken, out));
        (Arc::new(Self { inner, faults }), outbox)
    }

    /// What is to go wrong.
    #[must_use]
    pub(crate) fn faults(&self) -> &Arc<BusFaults> {
        &self.faults
    }

    /// Ends all faults: what was held comes, and what was put off is registered, as the bus's contract says it.
    pub(crate) async fn heal(&self) {
        let deferred = {
            let mut plan = self.faults.lock();
            plan.deaf = false;
            mem::take(&mut plan.deferred)
        };
        self.faults.order(Order::Release).await;
        if !deferred.is_empty() && self.inner.subscribe(&deferred).await == Subscribed::Registered {
            self.faults.order(Order::Reset(ResetReason::Registered)).await;
        }
    }
}

#[async_trait]
impl Bus for FaultyBus {
    async fn subscribe(&self, topics: &[TopicId]) -> Subscribed {
        let put_off = {
            let mut plan = self.faults.lock();
            if plan.deaf {
                plan.deferred.extend(topics);
            }
            plan.deaf
        };
        if put_off { Subscribed::Deferred } else { self.inner.subscribe(topics).await }
    }

    fn unsubscribe(&self, topics: &[TopicId]) {
        self.inner.unsubscribe(topics);
    }

    fn publish(&self, topic: TopicId, entry: Bytes) -> Published {
        self.inner.publish(topic, entry)
    }

    fn status(&self) -> watch::Receiver<BusStatus> {
        self.inner.status()
    }

    fn metrics(&self) -> Arc<BusMetrics> {
        self.inner.metrics()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Passes on what arrives, as planned, until the bus or the gateway ends.
async fn pump(
    faults: Arc<BusFaults>,
    mut deliveries: Deliveries,
    mut orders: mpsc::Receiver<Order>,
    out: mpsc::Sender<Delivery>,
) {
    loop {
        let delivery = tokio::select! {
            biased;
            () = out.closed() => return,
            delivery = deliveries.recv() => match delivery {
                None => return,
                Some(Delivery::Entries(entries)) => Delivery::Entries(faults.treat(entries)),
                Some(other) => other,
            },
            Some(order) = orders.recv() => match order {
                Order::Release => Delivery::Entries(faults.released()),
                Order::Reset(reason) => Delivery::Reset(reason),
            },
        };
        if delivery == Delivery::Entries(Vec::new()) {
            continue;
        }
        if out.send(delivery).await.is_err() {
            return;
        }
    }
}
