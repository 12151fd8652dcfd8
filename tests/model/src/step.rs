//! What happens by itself: each part going on with what it has to do, in any order.

use crate::{delivery::Delivery, log::Seq, state::State};

/// A step that is taken sooner or later, unless something else makes it needless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`gateway`, `request`, `who` are the numbers of those concerned")]
pub enum Step {
    // Of the requests: `sending.rs`.
    /// A sender sends a request, for the first time or again, by way of a gateway.
    Send { gateway: usize, request: usize },
    /// The store carries an append out.
    Commit { gateway: usize, request: usize },
    /// The gateway has the answer: it publishes, acknowledges, and tells its hub.
    Say { gateway: usize, request: usize },
    /// Seeded defect: it says what it has not yet asked the store for.
    SayFirst { gateway: usize, request: usize },
    /// The store carries out what a gateway asked for that has died since.
    CommitLate { request: usize },
    /// Or it does not.
    DropLate { request: usize },

    // Of a gateway's end of the bus: `fanout.rs`.
    /// The publisher's next script call.
    Publish { gateway: usize },
    /// The publisher has waited too long for a connection.
    DropWaiting { gateway: usize },
    /// The lease task's pulse, where it finds something to do.
    Pulse { gateway: usize },
    /// The pulse that misses the lease of a gateway that died.
    MissLease { gateway: usize },
    /// The lease task registers what is unconfirmed, and delivers the reset that is owed.
    Register { gateway: usize },
    /// The connections to a master that was replaced end.
    LoseStale { gateway: usize },
    /// The lease task connects again.
    Reconnect { gateway: usize },
    /// Redis is away: whoever waits for a registration is told to go on without.
    Defer { gateway: usize },
    /// A reset reaches the hubs.
    Reset { gateway: usize },
    /// The reader hands over its next entry.
    Read { gateway: usize },

    // Of a hub and its subscribers: `subscribing.rs`.
    /// The hub takes an event of this gateway's own appends: the one `at` this place of those that are under way.
    Arrive { gateway: usize, at: usize },
    /// A page of what is missing is read from the store: one event.
    Repair { gateway: usize },
    /// The hub's head is compared with the store's.
    Sweep { gateway: usize },
    /// The hub has been without subscribers for long enough.
    GiveUpHub { gateway: usize },
    /// A subscriber opens a socket and subscribes, with the last place that has arrived.
    Connect { gateway: usize, who: usize, cursor: Seq },
    /// The store is asked for what it missed.
    Open { who: usize },
    /// The replay is written, and the hub goes on from there.
    Activate { who: usize },
    /// Seeded defect: a removal reaches the hub beside the log.
    Kick { gateway: usize },
}

impl Delivery {
    /// The steps that can be taken.
    pub(crate) fn steps(&self, state: &State, mut each: impl FnMut(Step)) {
        self.sending_steps(state, &mut each);
        for gateway in 0..state.gateways.len() {
            Self::fanout_steps(state, gateway, &mut each);
            self.hub_steps(state, gateway, &mut each);
        }
        self.subscriber_steps(state, &mut each);
    }

    /// Takes a step.
    pub(crate) fn take(&self, state: &mut State, step: Step) {
        match step {
            Step::Send { gateway, request } => Self::send(state, gateway, request),
            Step::Commit { gateway, request } => self.commit(state, gateway, request),
            Step::Say { gateway, request } => self.say(state, gateway, request),
            Step::SayFirst { gateway, request } => self.say_first(state, gateway, request),
            Step::CommitLate { request } => {
                self.append(state, request);
                state.orphans &= !(1 << request);
            }
            Step::DropLate { request } => state.orphans &= !(1 << request),

            Step::Publish { gateway } => Self::publish(state, gateway),
            Step::DropWaiting { gateway } => Self::drop_waiting(state, gateway),
            Step::Pulse { gateway } => self.pulse(state, gateway),
            Step::MissLease { .. } => Self::miss_lease(state),
            Step::Register { gateway } => Self::register(state, gateway),
            Step::LoseStale { gateway } => Self::lose_stale(state, gateway),
            Step::Reconnect { gateway } => Self::reconnect(state, gateway),
            Step::Defer { gateway } => Self::defer(state, gateway),
            Step::Reset { gateway } => self.reset(state, gateway),
            Step::Read { gateway } => self.read(state, gateway),

            Step::Arrive { gateway, at } => {
                let event = state.gateways[gateway].arriving.remove(at);
                self.accept(state, gateway, event);
            }
            Step::Repair { gateway } => self.repair(state, gateway),
            Step::Sweep { gateway } => self.compare_heads(state, gateway),
            Step::GiveUpHub { gateway } => Self::give_up_hub(state, gateway),
            Step::Connect { gateway, who, cursor } => Self::connect(state, gateway, who, cursor),
            Step::Open { who } => Self::open(state, who),
            Step::Activate { who } => self.activate(state, who),
            Step::Kick { gateway } => Self::kick(state, gateway),
        }
    }
}
