//! The hub of the model (`tests/model`) is this hub.
//!
//! What is checked exhaustively there says something of what runs here only as far as both do the same. So both are
//! driven side by side, through every sequence of calls that leads to a state of the model which was not met before:
//! what they say to whom, what they miss and who listens must be equal after each call.

use std::collections::{HashSet, VecDeque};

use madang_domain::event::Left;
use madang_model::{
    hub::{Hub, Push},
    log,
    state::{REMOVED, SUBSCRIBERS},
};

use super::{
    tests::{about, connection, listener, message, received, user},
    *,
};

/// The places that there are.
const EVENTS: u8 = 4;
/// The place of the event that takes a membership away.
const REMOVAL: u8 = 2;
/// With fewer states than this something is wrong with the search.
const STATES_MIN: usize = 4_000;

/// A call of a hub.
#[derive(Debug, Clone, Copy)]
enum Call {
    Attach(usize),
    Detach(usize),
    Activate(usize, u8),
    Accept(u8),
    NoteHead(u8),
}

/// All calls that there are.
fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for who in 0..SUBSCRIBERS {
        calls.extend([Call::Attach(who), Call::Detach(who)]);
        calls.extend((0..=EVENTS).map(|seen| Call::Activate(who, seen)));
    }
    calls.extend((1..=EVENTS).map(Call::Accept));
    calls.extend((1..=EVENTS).map(Call::NoteHead));
    calls
}

/// The two hubs, and how they came to where they are.
#[derive(Clone)]
struct Pair {
    model: Hub,
    real: TopicHub,
    calls: Vec<Call>,
}

impl Pair {
    /// Calls both, and compares what comes of it.
    fn call(&mut self, call: Call, outboxes: &[Arc<Outbox>; SUBSCRIBERS]) {
        self.calls.push(call);
        let mut pushed = Vec::new();
        self.call_model(call, &mut pushed);
        self.call_real(call, outboxes);
        for (who, outbox) in outboxes.iter().enumerate() {
            let said: Vec<u64> =
                pushed.iter().filter(|push| push.to == who).map(|push| u64::from(push.event.seq)).collect();
            assert_eq!(received(outbox), said, "to {who}, after {:?}", self.calls);
            assert_eq!(
                self.real.listens(number(who)),
                self.model.listens(who),
                "{who}, after {:?}",
                self.calls
            );
        }
        let missing = self.model.missing_after().map(|seq| Seq::new(u64::from(seq)));
        assert_eq!(self.real.missing_after(), missing, "after {:?}", self.calls);
    }

    fn call_model(&mut self, call: Call, out: &mut Vec<Push>) {
        match call {
            Call::Attach(who) => self.model.attach(who),
            Call::Detach(who) => self.model.detach(who),
            Call::Activate(who, seen) => self.model.activate(who, seen, None, out),
            Call::Accept(seq) => {
                let body = if seq == REMOVAL { log::Body::Removal } else { log::Body::Message(seq) };
                self.model.accept(log::Event { seq, body }, None, out);
            }
            Call::NoteHead(seq) => self.model.note_head(seq, None),
        }
    }

    fn call_real(&mut self, call: Call, outboxes: &[Arc<Outbox>; SUBSCRIBERS]) {
        match call {
            Call::Attach(who) => self.real.attach(listener(number(who), user(who as u128), &outboxes[who])),
            Call::Detach(who) => self.real.detach(number(who)),
            Call::Activate(who, seen) => self.real.activate(number(who), Seq::new(u64::from(seen))),
            Call::Accept(REMOVAL) => {
                self.real.accept(about(REMOVED as u128, u64::from(REMOVAL), EventBody::Left(Left {})));
            }
            Call::Accept(seq) => self.real.accept(message(u64::from(seq))),
            Call::NoteHead(seq) => self.real.note_head(Seq::new(u64::from(seq))),
        }
    }
}

fn number(who: usize) -> ConnectionId {
    connection(who as u64)
}

#[test]
fn the_model_of_the_hub_does_what_the_hub_does() {
    // All pairs share them, and nothing is ever written: what has been taken goes on counting.
    let outboxes = [(); SUBSCRIBERS].map(|()| Arc::new(Outbox::new(usize::MAX, 0)));
    let calls = calls();
    let mut met = HashSet::from([Hub::default()]);
    let mut open =
        VecDeque::from([Pair { model: Hub::default(), real: TopicHub::default(), calls: Vec::new() }]);
    while let Some(pair) = open.pop_front() {
        for call in &calls {
            // The model's hub holds fewer early events. What is beyond is read from the store, here as there.
            if matches!(call, Call::Accept(_)) && pair.model.is_full() {
                continue;
            }
            let mut next = pair.clone();
            next.call(*call, &outboxes);
            if met.insert(next.model) {
                open.push_back(next);
            }
        }
    }
    println!("{} states, {} calls of each", met.len(), calls.len());
    assert!(met.len() >= STATES_MIN, "{} states are too few", met.len());
}
