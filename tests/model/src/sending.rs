//! A message is sent: from its sender by way of a gateway into the log, then to the bus, back to the sender, and to
//! the gateway's own hub. `services/gateway/src/commands/send.rs`; a removal takes the same way through
//! `services/gateway/src/rest/members.rs::remove` and `Fanout::events`.

use std::ops::Range;

use crate::{
    bounds::{Defect, Start},
    delivery::Delivery,
    gateway::Append,
    log::{Appended, Body, Event},
    sizes::GATEWAYS,
    state::{Place, Request, State},
    step::Step,
};

impl Delivery {
    pub(crate) fn sending_steps(&self, state: &State, each: &mut impl FnMut(Step)) {
        for request in 0..self.bounds.requests() {
            match state.requests[request] {
                // Messages differ by their keys alone: nothing is lost by beginning them in this order.
                Request::Unsent if self.is_message(request) && !is_next(state, request) => {}
                Request::Unsent | Request::Unknown => {
                    for gateway in self.gateways_to_choose(state) {
                        if state.gateways[gateway].appends[request] == Append::None {
                            each(Step::Send { gateway, request });
                        }
                    }
                }
                Request::Waiting(_) | Request::Answered(_) => {}
            }
            for (gateway, it) in state.gateways.iter().enumerate() {
                match it.appends[request] {
                    Append::None => {}
                    Append::Asked if self.defect == Some(Defect::PublishBeforeCommit) => {
                        each(Step::SayFirst { gateway, request });
                    }
                    Append::Asked | Append::SaidFirst => each(Step::Commit { gateway, request }),
                    Append::Committed(_) | Append::Duplicate(_) => each(Step::Say { gateway, request }),
                }
            }
            if state.orphans & (1 << request) != 0 {
                each(Step::CommitLate { request });
                each(Step::DropLate { request });
            }
        }
    }

    fn is_message(&self, request: usize) -> bool {
        request < usize::from(self.bounds.messages)
    }

    /// The gateways that a client may choose. As long as neither was used they are alike.
    pub(crate) fn gateways_to_choose(&self, state: &State) -> Range<usize> {
        let is_used = self.bounds.start != Start::Cold
            || state.faults != self.bounds.faults
            || state.requests.iter().any(|request| *request != Request::Unsent)
            || state.subscribers.iter().any(|subscriber| subscriber.place != Place::Away);
        if is_used { 0..GATEWAYS } else { 0..1 }
    }

    /// `send.rs::send`: a task of its own, so that what has begun is finished whatever becomes of the client.
    pub(crate) fn send(state: &mut State, gateway: usize, request: usize) {
        state.requests[request] = Request::Waiting(gateway);
        state.gateways[gateway].appends[request] = Append::Asked;
    }

    /// `send.rs::commit`, as far as the store: it answers after its commit.
    pub(crate) fn commit(&self, state: &mut State, gateway: usize, request: usize) {
        let was_said = state.gateways[gateway].appends[request] == Append::SaidFirst;
        let appended = self.append(state, request);
        state.gateways[gateway].appends[request] = if appended.duplicate || was_said {
            Append::Duplicate(appended.seq)
        } else {
            Append::Committed(appended.seq)
        };
    }

    pub(crate) fn append(&self, state: &mut State, request: usize) -> Appended {
        let body = State::body(&self.bounds, request);
        let looks_at_keys = self.defect != Some(Defect::NoKeyCheck) || body == Body::Removal;
        state.log.append(body, looks_at_keys)
    }

    /// `send.rs::commit` after the store: `Fanout::publish_event`, the answer to the client, `Fanout::deliver`. A
    /// repeat is not said: it was when it was new, or the sweep finds it.
    pub(crate) fn say(&self, state: &mut State, gateway: usize, request: usize) {
        let it = &mut state.gateways[gateway];
        let seq = match std::mem::take(&mut it.appends[request]) {
            Append::Committed(seq) => {
                let event = Event { seq, body: State::body(&self.bounds, request) };
                it.bus.outgoing.push(event);
                // Where there is no hub it comes to nothing: who joins from now on finds it in the store.
                if it.hub.is_some() {
                    it.arriving.insert(event);
                }
                seq
            }
            Append::Duplicate(seq) => seq,
            Append::None | Append::Asked | Append::SaidFirst => return,
        };
        if state.requests[request] == Request::Waiting(gateway) {
            state.requests[request] = Request::Answered(seq);
        }
    }

    /// [`Defect::PublishBeforeCommit`]: the place is guessed, and everybody told.
    pub(crate) fn say_first(&self, state: &mut State, gateway: usize, request: usize) {
        let event = Event { seq: state.log.head() + 1, body: State::body(&self.bounds, request) };
        let it = &mut state.gateways[gateway];
        it.bus.outgoing.push(event);
        it.arriving.insert(event);
        it.appends[request] = Append::SaidFirst;
    }
}

/// Whether all messages before this one have been sent.
fn is_next(state: &State, request: usize) -> bool {
    !state.requests[..request].contains(&Request::Unsent)
}
