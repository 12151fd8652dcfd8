//! What goes wrong, when and where it likes, within the budget.

use crate::{
    bounds::{Defect, Fault},
    delivery::Delivery,
    gateway::{Append, Gateway, Link},
    redis::Redis,
    sizes::GATEWAYS,
    state::{Place, Request, State},
};

/// A fault that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`gateway`, `request`, `who` are the numbers of those concerned")]
pub enum Failure {
    /// [`Fault::Crash`].
    Crash { gateway: usize },
    /// [`Fault::Flush`].
    Flush,
    /// [`Fault::LeaseLoss`].
    LoseLease { gateway: usize },
    /// [`Fault::StreamLoss`].
    TrimStream { gateway: usize },
    /// [`Fault::PublishLoss`].
    DropEntry { gateway: usize },
    /// [`Fault::Cut`]; the call that was on its way has run, or not.
    Cut { gateway: usize, has_run: bool },
    /// [`Fault::Failover`], which loses the registration of this gateway.
    FailOver { gateway: usize },
    /// [`Fault::AnswerLoss`]; the gateway asks another replica, or tells its client that it does not know.
    LoseAnswer { gateway: usize, request: usize, asks_again: bool },
    /// [`Fault::SenderLoss`].
    LoseSender { request: usize },
    /// [`Fault::SocketLoss`].
    LoseSocket { who: usize },
}

impl Delivery {
    /// The faults that can happen.
    pub(crate) fn failures(&self, state: &State, mut each: impl FnMut(Failure)) {
        let has = |kind| self.bounds.has(kind);
        if has(Fault::Flush) {
            each(Failure::Flush);
        }
        for (gateway, it) in state.gateways.iter().enumerate() {
            if has(Fault::Crash) {
                each(Failure::Crash { gateway });
            }
            if has(Fault::LeaseLoss) && state.redis.leases[gateway] {
                each(Failure::LoseLease { gateway });
            }
            if has(Fault::StreamLoss) && !state.redis.streams[gateway].is_empty() {
                each(Failure::TrimStream { gateway });
            }
            let is_publishing = !it.bus.outgoing.is_empty();
            if has(Fault::PublishLoss) && is_publishing {
                each(Failure::DropEntry { gateway });
            }
            if has(Fault::Cut) && it.bus.link == Link::Up {
                each(Failure::Cut { gateway, has_run: false });
                if is_publishing {
                    each(Failure::Cut { gateway, has_run: true });
                }
            }
            if has(Fault::Failover) {
                each(Failure::FailOver { gateway });
            }
            for (request, append) in it.appends.iter().enumerate() {
                if has(Fault::AnswerLoss) && matches!(append, Append::Committed(_)) {
                    each(Failure::LoseAnswer { gateway, request, asks_again: true });
                    each(Failure::LoseAnswer { gateway, request, asks_again: false });
                }
            }
        }
        for (request, it) in state.requests.iter().enumerate() {
            if has(Fault::SenderLoss) && matches!(it, Request::Waiting(_)) {
                each(Failure::LoseSender { request });
            }
        }
        for (who, it) in state.subscribers.iter().enumerate() {
            if has(Fault::SocketLoss) && it.place.gateway().is_some() {
                each(Failure::LoseSocket { who });
            }
        }
    }

    /// Lets a fault happen.
    pub(crate) fn fail(&self, state: &mut State, failure: Failure) {
        state.faults -= 1;
        match failure {
            Failure::Crash { gateway } => crash(state, gateway),
            Failure::Flush => state.redis = Redis { is_other: [true; GATEWAYS], ..Redis::empty() },
            Failure::LoseLease { gateway } => state.redis.leases[gateway] = false,
            Failure::TrimStream { gateway } => {
                state.redis.forget_stream(gateway);
                state.redis.was_trimmed[gateway] = true;
            }
            Failure::DropEntry { gateway } => {
                let bus = &mut state.gateways[gateway].bus;
                bus.outgoing.remove(0);
                bus.has_dropped = true;
            }
            Failure::Cut { gateway, has_run } => {
                let bus = &mut state.gateways[gateway].bus;
                bus.link = Link::Down;
                // `Publisher::take_back`: what may have run is sent again.
                if has_run && let Some(event) = bus.outgoing.first().copied() {
                    state.redis.publish(gateway, event);
                }
            }
            Failure::FailOver { gateway } => {
                let is_noticed = self.defect != Some(Defect::EpochOutlivesFailover);
                state.redis.listeners[gateway] = false;
                state.redis.forget_stream(gateway);
                for at in 0..GATEWAYS {
                    state.redis.is_other[at] = is_noticed;
                    let link = &mut state.gateways[at].bus.link;
                    if *link == Link::Up {
                        *link = Link::Stale;
                    }
                }
            }
            Failure::LoseAnswer { gateway, request, asks_again } => {
                let append = &mut state.gateways[gateway].appends[request];
                *append = if asks_again { Append::Asked } else { Append::None };
                if !asks_again {
                    give_up(state, request, gateway);
                }
            }
            Failure::LoseSender { request } => state.requests[request] = Request::Unknown,
            Failure::LoseSocket { who } => lose_socket(state, who),
        }
    }
}

/// The process dies. The one that takes its place has another id (`GatewayId`): what the old one had in Redis is
/// nobody's any more, and its lease ends by itself.
fn crash(state: &mut State, gateway: usize) {
    let died = std::mem::take(&mut state.gateways[gateway]);
    state.redis.has_dead |= died.bus.has_joined;
    (state.redis.leases[gateway], state.redis.is_other[gateway]) = (false, false);
    state.redis.listeners[gateway] = false;
    state.redis.forget_stream(gateway);
    for (request, append) in died.appends.into_iter().enumerate() {
        if append == Append::Asked {
            state.orphans |= 1 << request;
        }
        give_up(state, request, gateway);
    }
    for who in 0..state.subscribers.len() {
        if state.subscribers[who].place.gateway() == Some(gateway) {
            lose_socket(state, who);
        }
    }
    state.gateways[gateway] = Gateway::new();
}

fn give_up(state: &mut State, request: usize, gateway: usize) {
    if state.requests[request] == Request::Waiting(gateway) {
        state.requests[request] = Request::Unknown;
    }
}

/// `SessionContext::leave_all`, and the client, which knows its cursor.
fn lose_socket(state: &mut State, who: usize) {
    let it = &mut state.subscribers[who];
    if let Place::Opened(_, head) = it.place {
        // Of the replay, too, some may have arrived.
        it.has_all_up_to(head);
    }
    if let Some(gateway) = it.place.gateway()
        && let Some(hub) = &mut state.gateways[gateway].hub
    {
        hub.detach(who);
    }
    it.place = Place::Away;
}
