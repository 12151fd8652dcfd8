//! What is checked: how much happens, what fails, and which defect is seeded.

use crate::sizes::SUBSCRIBERS;

/// What may go wrong. Each occurrence takes one from the bound's budget; when and where is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A gateway's process is killed, and another begins in its place with nothing.
    Crash,
    /// Redis loses everything (`FLUSHALL`, a restart without its data).
    Flush,
    /// A gateway's lease runs out: it was paused, or cut off, for longer than the lease.
    LeaseLoss,
    /// A gateway stream is trimmed past its reader, or deleted.
    StreamLoss,
    /// An entry is dropped by its publisher: a full queue, a refusal by Redis.
    PublishLoss,
    /// The connections between a gateway and Redis break. What the publisher sent last may have arrived.
    Cut,
    /// A replica of Redis takes over without the last writes: a registration and what lies in a gateway stream; the leases were
    /// written earlier, and are there. The old master goes on, for a while, for those who are connected to it.
    Failover,
    /// The answer of a committed append is lost, between store and gateway.
    AnswerLoss,
    /// The sender's socket breaks, or its patience ends, before the answer.
    SenderLoss,
    /// A subscriber's socket breaks. Of what was on its way, any first part has arrived.
    SocketLoss,
}

/// A seeded defect: the protocol with one rule broken. Each must be caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// An event is said with the place that it will have, and then committed.
    PublishBeforeCommit,
    /// The store may be asked for the head before the gateway is a listener.
    RegisterAfterHead,
    /// A used key is not looked for.
    NoKeyCheck,
    /// A hub delivers what comes when it comes: nothing waits, nothing is dropped.
    DeliversAsItComes,
    /// Heads are never compared, neither now and then nor when a gateway has died.
    NoSweep,
    /// What happens during a catch-up is said at once, before the replay.
    LiveBeforeReplay,
    /// A gateway that finds its lease gone takes another, and does nothing else.
    NoReregistration,
    /// A removal is told to the hub beside the log, whenever that arrives.
    RemovalOutsideTheLog,
    /// The first subscription that opens sets where a hub begins, also for those that read an older head.
    FirstHeadForAll,
    /// What waited behind a removal is said to the one removed.
    PendingPastRemoval,
    /// Comparing heads passes over hubs whose first subscription is being opened.
    ComparesOpenHubsOnly,
    /// A replica that takes over is not told from the master that it replaces.
    EpochOutlivesFailover,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::PublishBeforeCommit,
        Self::RegisterAfterHead,
        Self::NoKeyCheck,
        Self::DeliversAsItComes,
        Self::NoSweep,
        Self::LiveBeforeReplay,
        Self::NoReregistration,
        Self::RemovalOutsideTheLog,
        Self::FirstHeadForAll,
        Self::PendingPastRemoval,
        Self::ComparesOpenHubsOnly,
        Self::EpochOutlivesFailover,
    ];
}

/// How it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The gateways have just joined the bus; nobody has subscribed.
    Cold,
    /// Each subscriber listens, live, at the gateway that is named.
    Live([usize; SUBSCRIBERS]),
}

/// The size of a model: within it, everything that can happen is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For the report.
    pub name: &'static str,
    /// How many messages are sent, each with its key. At most three.
    pub messages: u8,
    /// Whether a membership is taken away.
    pub removal: bool,
    /// How many subscribers there are. At most two.
    pub subscribers: usize,
    /// How it begins.
    pub start: Start,
    /// How many faults happen in one run, at most.
    pub faults: u8,
    /// Of which kinds.
    pub kinds: &'static [Fault],
    /// Whether heads are compared now and then. Without that, notices alone have to tell what was lost.
    pub sweep: bool,
    /// Whether a hub that nobody listens to is given up.
    pub gives_up_hubs: bool,
}

impl Bounds {
    /// Whether faults of a kind happen.
    #[must_use]
    pub fn has(&self, kind: Fault) -> bool {
        self.kinds.contains(&kind)
    }

    /// The requests of senders: the messages, then the removal.
    #[must_use]
    pub fn requests(&self) -> usize {
        usize::from(self.messages) + usize::from(self.removal)
    }
}
