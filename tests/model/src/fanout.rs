//! From gateway to gateway: the keeper, the publisher and the reader of a gateway's end of the bus.
//! `crates/bus/src/redis/`; what the reader hands over goes through `services/gateway/src/fanout.rs::receive`.

use crate::{
    bounds::Defect,
    gateway::Link,
    list::List,
    model::Delivery,
    redis::Entry,
    state::{GATEWAYS, State},
    step::Step,
};

impl Delivery {
    pub(crate) fn fanout_steps(state: &State, gateway: usize, each: &mut impl FnMut(Step)) {
        let (it, redis) = (&state.gateways[gateway], &state.redis);
        let is_publishing = !it.bus.outgoing.is_empty();
        let is_unregistered = !it.bus.is_confirmed || it.bus.owes_reset;
        if it.bus.has_reset {
            each(Step::Reset { gateway });
        }
        match it.bus.link {
            Link::Up => {
                if is_publishing {
                    each(Step::Publish { gateway });
                }
                let has_lost = !redis.leases[gateway] || redis.is_other[gateway];
                if has_lost || redis.was_trimmed[gateway] || it.bus.has_dropped {
                    each(Step::Pulse { gateway });
                } else if is_unregistered {
                    each(Step::Register { gateway });
                }
                // A call of the gateway that died ends within its deadline of 5 s, its lease after 10 s
                // (`crates/rpc/src/method.rs`, `RedisSettings::lease_ttl`).
                if redis.has_dead && redis.leases[gateway] && state.orphans == 0 {
                    each(Step::MissLease { gateway });
                }
                if !redis.inboxes[gateway].is_empty() {
                    each(Step::Read { gateway });
                }
            }
            Link::Stale => {
                each(Step::LoseStale { gateway });
                if is_publishing {
                    each(Step::Publish { gateway });
                }
                if is_unregistered && it.bus.has_joined {
                    each(Step::Register { gateway });
                }
            }
            Link::Down => {
                each(Step::Reconnect { gateway });
                if is_publishing {
                    each(Step::DropWaiting { gateway });
                }
                if it.hub.is_some() && !it.may_open {
                    each(Step::Defer { gateway });
                }
            }
        }
    }

    /// `Publisher::send`, `publish.lua`.
    pub(crate) fn publish(state: &mut State, gateway: usize) {
        let bus = &mut state.gateways[gateway].bus;
        let event = bus.outgoing.remove(0);
        if bus.link == Link::Up {
            state.redis.publish(gateway, event);
        }
    }

    /// `Publisher::discard_all`, after `publish_patience`; `Gauge::has_dropped`.
    pub(crate) fn drop_waiting(state: &mut State, gateway: usize) {
        let bus = &mut state.gateways[gateway].bus;
        (bus.outgoing, bus.has_dropped) = (List::default(), true);
    }

    /// `Keeper::pulse`, `pulse.lua`.
    pub(crate) fn pulse(&self, state: &mut State, gateway: usize) {
        let (it, redis) = (&mut state.gateways[gateway], &mut state.redis);
        let is_other = std::mem::take(&mut redis.is_other[gateway]) && it.bus.has_joined;
        if !redis.leases[gateway] || is_other {
            redis.leases[gateway] = true;
            // The state `new`: whatever is registered or waits in the inbox is of unknown completeness.
            redis.forget_inbox(gateway);
            if self.defect != Some(Defect::NoReregistration) {
                it.bus.is_confirmed &= it.hub.is_none();
                it.bus.owes_reset |= it.bus.has_joined;
            }
            it.bus.has_joined = true;
        }
        // What it published last may have been acknowledged by another process, and lost: the others are told.
        if std::mem::take(&mut it.bus.has_dropped) || is_other {
            redis.notify((0..GATEWAYS).filter(|peer| *peer != gateway));
        }
        // The probe says how many entries precede it, and comes through the inbox like any entry.
        if std::mem::take(&mut redis.was_trimmed[gateway]) {
            redis.notify(std::iter::once(gateway));
        }
    }

    /// `pulse.lua`: whoever misses a lease first tells all.
    pub(crate) fn miss_lease(state: &mut State) {
        state.redis.has_dead = false;
        state.redis.notify(0..GATEWAYS);
    }

    /// `Keeper::register`, `register.lua`, `Wishes::confirm`. The lease was there at the pulse before; if it has gone
    /// since, `register.lua` refuses, and the session begins anew with a pulse: here [`Step::Pulse`] comes first.
    pub(crate) fn register(state: &mut State, gateway: usize) {
        let it = &mut state.gateways[gateway];
        let was_confirmed = std::mem::replace(&mut it.bus.is_confirmed, true);
        if !was_confirmed && it.bus.link == Link::Up {
            state.redis.listeners[gateway] = it.hub.is_some();
        }
        it.may_open = it.hub.is_some();
        // After the registration, so that what the comparison does not find comes by the bus.
        it.bus.has_reset |= std::mem::take(&mut it.bus.owes_reset);
    }

    pub(crate) fn lose_stale(state: &mut State, gateway: usize) {
        state.gateways[gateway].bus.link = Link::Down;
    }

    /// `Keeper::session`: a pulse finds out what became of the lease; a reset is owed in any case
    /// (`ResetReason::Reconnected`).
    pub(crate) fn reconnect(state: &mut State, gateway: usize) {
        let bus = &mut state.gateways[gateway].bus;
        bus.link = Link::Up;
        bus.owes_reset |= bus.has_joined;
    }

    /// `Wishes::go_down`, `Listening::Deferred`: a reset will follow the registration.
    pub(crate) fn defer(state: &mut State, gateway: usize) {
        let it = &mut state.gateways[gateway];
        (it.may_open, it.bus.owes_reset) = (true, true);
    }

    /// `Resets::deliver`, `Fanout::receive`, `Command::SweepAll`.
    pub(crate) fn reset(&self, state: &mut State, gateway: usize) {
        state.gateways[gateway].bus.has_reset = false;
        self.compare_heads(state, gateway);
    }

    /// `Reader::take`, `Fanout::receive`.
    pub(crate) fn read(&self, state: &mut State, gateway: usize) {
        match state.redis.inboxes[gateway].remove(0) {
            Entry::Event(event) => self.accept(state, gateway, event),
            Entry::Notice if self.defect == Some(Defect::NoSweep) => {}
            Entry::Notice => self.compare_heads(state, gateway),
        }
    }
}
