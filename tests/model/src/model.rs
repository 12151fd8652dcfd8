//! The model as the checker sees it, and what it must keep.

use stateright::{Model, Property};

use crate::{
    faults::Failure,
    gateway::Append,
    sizes::REMOVED,
    state::{Broken, Place, Request, State},
    step::Step,
};

pub use crate::delivery::Delivery;

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Something goes on.
    Step(Step),
    /// Something goes wrong.
    Fault(Failure),
}

/// The names of the properties, as they stand in a report.
pub mod promise {
    /// An acknowledgement names the place where the log has the message.
    pub const DURABLE: &str = "D1: what was acknowledged is in the log";
    /// However often it was sent.
    pub const IDEMPOTENT: &str = "D2: one key is one event";
    /// Each subscriber, in the order of the log, with the events of the log.
    pub const ORDERED: &str = "D3: everybody is told the log, in its order";
    /// Each place follows the one before.
    pub const GAPLESS: &str = "D4: nobody is told with a gap or twice";
    /// Where nothing more happens by itself, nothing is missing.
    pub const COMPLETE: &str = "D4: at rest everybody has been told everything";
    /// By the order of the log.
    pub const AUTHORITY: &str = "D7: who is removed hears of it, and then nothing";
    /// A sender that goes on asking gets its answer.
    pub const ANSWERED: &str = "at rest every request is answered";
    /// What comes next comes by the bus, and not by the sweep alone.
    pub const LISTENING: &str = "at rest every gateway with a hub is a listener";
    /// So every run comes to rest.
    pub const PROGRESS: &str = "every step leads nearer to rest";
}

/// The names of what must be met in a bound, lest it be checked in vain.
pub mod witness {
    /// The end that one wants to see, with every fault spent.
    pub const DELIVERED: &str = "everything was delivered, all faults spent";
    /// A hub holds an event for its predecessor.
    pub const HELD: &str = "an event waits for the one before";
    /// A subscriber's catch-up has live events behind it.
    pub const PENDING: &str = "events wait behind a catch-up";
    /// A hub is at a place that it knows it must go on from.
    pub const BEHIND: &str = "a hub has to read what it missed";
    /// A key was used before.
    pub const DUPLICATE: &str = "an append is answered as a duplicate";
    /// Publishers pass a gateway by that believes to be a listener.
    pub const UNHEARD: &str = "a gateway believes to be a listener and is none";
    /// A subscriber was removed while it listened.
    pub const REMOVED: &str = "a removed member heard of it";
}

impl Model for Delivery {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.steps(state, |step| actions.push(Action::Step(step)));
        if state.faults > 0 {
            self.failures(state, |failure| actions.push(Action::Fault(failure)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = *last;
        match action {
            Action::Step(step) => self.take(&mut next, step),
            Action::Fault(failure) => self.fail(&mut next, failure),
        }
        if self.defect.is_none() && next.distance() >= last.distance() {
            next.broken.add(Broken::CIRCLE);
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = promises();
        all.extend(witnesses());
        all
    }
}

impl Delivery {
    /// Whether nothing more happens, unless something goes wrong again.
    fn is_at_rest(&self, state: &State) -> bool {
        let mut is_at_rest = true;
        self.steps(state, |_| is_at_rest = false);
        is_at_rest
    }

    fn is_complete(&self, state: &State) -> bool {
        let all_sent = |who: usize| state.subscribers[who].last() == state.log.head();
        (0..self.bounds.subscribers).all(|who| match state.subscribers[who].place {
            Place::Live(_) => all_sent(who),
            Place::Gone => state.log.removal().is_some(),
            _ => false,
        })
    }
}

fn promises() -> Vec<Property<Delivery>> {
    vec![
        Property::<Delivery>::always(promise::DURABLE, |model, state| {
            state.requests.iter().enumerate().all(|(request, it)| match it {
                Request::Answered(seq) => {
                    state.log.at(*seq).is_some_and(|event| event.body == State::body(&model.bounds, request))
                }
                Request::Unsent | Request::Waiting(_) | Request::Unknown => true,
            })
        }),
        Property::<Delivery>::always(promise::IDEMPOTENT, |_, state| !state.log.has_repeats()),
        Property::<Delivery>::always(promise::ORDERED, |_, state| {
            !state.broken.any_of(&[Broken::UNTRUE, Broken::DISORDER])
        }),
        Property::<Delivery>::always(promise::GAPLESS, |_, state| {
            !state.broken.any_of(&[Broken::GAP, Broken::REPEAT])
        }),
        Property::<Delivery>::always(promise::AUTHORITY, |_, state| {
            !state.broken.any_of(&[Broken::AFTER_REMOVAL])
        }),
        Property::<Delivery>::always(promise::PROGRESS, |_, state| !state.broken.any_of(&[Broken::CIRCLE])),
        Property::<Delivery>::always(promise::COMPLETE, |model, state| {
            !model.is_at_rest(state) || model.is_complete(state)
        }),
        Property::<Delivery>::always(promise::ANSWERED, |model, state| {
            let answered = |it: &Request| matches!(it, Request::Answered(_));
            !model.is_at_rest(state) || state.requests[..model.bounds.requests()].iter().all(answered)
        }),
        Property::<Delivery>::always(promise::LISTENING, |model, state| {
            let listens = |gateway: usize| state.redis.leases[gateway] && state.redis.listeners[gateway];
            let is_needed = |gateway: usize| state.gateways[gateway].hub.is_some();
            !model.is_at_rest(state) || (0..state.gateways.len()).all(|at| !is_needed(at) || listens(at))
        }),
    ]
}

fn witnesses() -> Vec<Property<Delivery>> {
    vec![
        Property::<Delivery>::sometimes(witness::DELIVERED, |model, state| {
            state.faults == 0
                && usize::from(state.log.head()) == model.bounds.requests()
                && model.is_at_rest(state)
                && model.is_complete(state)
        }),
        Property::<Delivery>::sometimes(witness::HELD, |_, state| {
            state.gateways.iter().any(|it| it.hub.is_some_and(|hub| hub.has_held()))
        }),
        Property::<Delivery>::sometimes(witness::PENDING, |_, state| {
            state.gateways.iter().any(|it| it.hub.is_some_and(|hub| hub.has_pending()))
        }),
        Property::<Delivery>::sometimes(witness::BEHIND, |_, state| {
            state.gateways.iter().any(|it| it.hub.is_some_and(|hub| hub.missing_after().is_some()))
        }),
        Property::<Delivery>::sometimes(witness::DUPLICATE, |_, state| {
            let duplicate = |it: &Append| matches!(it, Append::Duplicate(_));
            state.gateways.iter().any(|gateway| gateway.appends.iter().any(duplicate))
        }),
        Property::<Delivery>::sometimes(witness::UNHEARD, |_, state| {
            state.gateways.iter().enumerate().any(|(at, it)| {
                let listens = state.redis.leases[at] && state.redis.listeners[at];
                it.hub.is_some() && it.may_open && it.bus.is_confirmed && !listens
            })
        }),
        Property::<Delivery>::sometimes(witness::REMOVED, |_, state| {
            let one = &state.subscribers[REMOVED];
            one.place == Place::Gone && state.log.removal().is_some_and(|removal| one.last() == removal)
        }),
    ]
}
