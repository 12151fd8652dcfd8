//! A hub: the log of one room as one gateway delivers it. The model of
//! `services/gateway/src/hub/topic_hub.rs`, method by method; a test of the gateway drives both side by side.

use crate::{
    bounds::Defect,
    list::List,
    log::{Body, EVENTS_MAX, Event, Seq},
    sizes::{REMOVED, SUBSCRIBERS},
};

/// The events that wait for their predecessors. So few that the bound is met (`HELD_MAX_EVENTS`).
const HELD_MAX: usize = 2;

/// An event that goes into a subscriber's outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// To whom.
    pub to: usize,
    /// What.
    pub event: Event,
}

/// How far a subscriber is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    /// The session still writes what was missed; what happens meanwhile waits.
    CatchingUp {
        /// All that the hub delivered after this place waits here; none while the hub has not begun.
        from: Option<Seq>,
        pending: List<Event, EVENTS_MAX>,
    },
    /// Events go straight to the outbox, but for those up to this place, which the session has seen.
    Live { seen: Seq },
}

/// The hub of the room at one gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hub {
    /// The last place delivered; none before the first subscription is open.
    head: Option<Seq>,
    /// The highest place heard of.
    known: Seq,
    held: List<Event, HELD_MAX>,
    subscribers: [Option<Stage>; SUBSCRIBERS],
}

impl Hub {
    /// `TopicHub::attach`: a socket whose catch-up is about to be read from the store.
    pub fn attach(&mut self, who: usize) {
        self.subscribers[who] = Some(Stage::CatchingUp { from: self.head, pending: List::default() });
    }

    /// `TopicHub::detach`, `TopicHub::prune`: the socket is gone.
    pub fn detach(&mut self, who: usize) {
        self.subscribers[who] = None;
    }

    /// `TopicHub::activate`: the socket has been sent the log up to `seen`. What waited goes out, then all that
    /// comes.
    pub fn activate(&mut self, who: usize, seen: Seq, defect: Option<Defect>, out: &mut Vec<Push>) {
        self.known = self.known.max(seen);
        if self.head.is_none() {
            self.begin(seen, out, defect);
        }
        let Some(Stage::CatchingUp { from, pending }) = self.subscribers[who] else { return };
        let is_behind = from.is_some_and(|from| seen < from) && defect != Some(Defect::FirstHeadForAll);
        if is_behind {
            self.rewind(seen);
        }
        self.subscribers[who] = Some(Stage::Live { seen });
        if !is_behind {
            for event in pending.iter().filter(|event| event.seq > seen) {
                out.push(Push { to: who, event: *event });
                if let Some(Stage::Live { seen }) = &mut self.subscribers[who] {
                    *seen = event.seq;
                }
                if removes(*event, who) && defect != Some(Defect::RemovalOutsideTheLog) {
                    self.subscribers[who] = None;
                    if defect != Some(Defect::PendingPastRemoval) {
                        break;
                    }
                }
            }
        }
        self.forget_what_is_past();
    }

    /// `TopicHub::accept`: an event, in any order and any number of times; what is contiguous is delivered.
    pub fn accept(&mut self, event: Event, defect: Option<Defect>, out: &mut Vec<Push>) {
        self.known = self.known.max(event.seq);
        match self.head {
            Some(head) if defect == Some(Defect::DeliversAsItComes) => {
                self.deliver(event, defect, out);
                self.head = Some(head.max(event.seq));
            }
            Some(head) if event.seq <= head => {}
            Some(head) if event.seq == head + 1 => {
                self.deliver(event, defect, out);
                self.deliver_held(defect, out);
            }
            // Too early; or nobody's subscription is open yet, and where it begins the store will say.
            Some(_) | None => {
                if self.held.len() < HELD_MAX {
                    self.held.insert(event);
                }
            }
        }
        self.forget_what_is_past();
    }

    /// `TopicHub::note_head`: a head that the store told.
    pub fn note_head(&mut self, seq: Seq, defect: Option<Defect>) {
        if self.head.is_some() || defect != Some(Defect::ComparesOpenHubsOnly) {
            self.known = self.known.max(seq);
        }
    }

    /// `TopicHub::missing_after`: the place after which events are missing here, where some are.
    #[must_use]
    pub fn missing_after(&self) -> Option<Seq> {
        self.head.filter(|head| *head < self.known)
    }

    /// `TopicHub::head`.
    #[must_use]
    pub fn head(&self) -> Option<Seq> {
        self.head
    }

    /// The highest place heard of.
    #[must_use]
    pub fn known(&self) -> Seq {
        self.known
    }

    /// `TopicHub::listens`.
    #[must_use]
    pub fn listens(&self, who: usize) -> bool {
        self.subscribers[who].is_some()
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subscribers.iter().all(Option::is_none)
    }

    /// Whether somebody's catch-up is being written while events wait behind it.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        let waits = |stage: &Stage| matches!(stage, Stage::CatchingUp { pending, .. } if !pending.is_empty());
        self.subscribers.iter().flatten().any(waits)
    }

    /// Whether no further event can wait for its predecessors.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held.len() == HELD_MAX
    }

    /// Whether events wait for their predecessors.
    #[must_use]
    pub fn has_held(&self) -> bool {
        self.head.is_some() && !self.held.is_empty()
    }

    /// `TopicHub::begin`: the first subscription is open. Others that were attached before may be behind it.
    fn begin(&mut self, seen: Seq, out: &mut Vec<Push>, defect: Option<Defect>) {
        self.head = Some(seen);
        for stage in self.subscribers.iter_mut().flatten() {
            if let Stage::CatchingUp { from, .. } = stage {
                *from = Some(seen);
            }
        }
        self.held.retain(|event| event.seq > seen);
        self.deliver_held(defect, out);
    }

    /// `TopicHub::rewind`: one subscriber is behind the place where this hub began. The hub goes back there and reads
    /// what lies between, as if it had missed it; the others have been told.
    fn rewind(&mut self, to: Seq) {
        let Some(delivered) = self.head.filter(|head| to < *head) else { return };
        self.head = Some(to);
        for stage in self.subscribers.iter_mut().flatten() {
            if let Stage::Live { seen } = stage {
                *seen = delivered.max(*seen);
            }
        }
    }

    fn deliver_held(&mut self, defect: Option<Defect>, out: &mut Vec<Push>) {
        while let Some(next) = self.head.map(|head| head + 1)
            && let Some(at) = self.held.iter().position(|event| event.seq == next)
        {
            let event = self.held.remove(at);
            self.deliver(event, defect, out);
        }
    }

    fn deliver(&mut self, event: Event, defect: Option<Defect>, out: &mut Vec<Push>) {
        self.head = Some(event.seq);
        for (who, subscriber) in self.subscribers.iter_mut().enumerate() {
            match subscriber {
                None => {}
                Some(Stage::Live { seen }) if event.seq <= *seen => {}
                Some(Stage::Live { .. }) => {
                    out.push(Push { to: who, event });
                    if removes(event, who) && defect != Some(Defect::RemovalOutsideTheLog) {
                        *subscriber = None;
                    }
                }
                Some(Stage::CatchingUp { .. }) if defect == Some(Defect::LiveBeforeReplay) => {
                    out.push(Push { to: who, event });
                }
                Some(Stage::CatchingUp { from, pending }) => {
                    let told = pending.last().map(|event| event.seq).or(*from);
                    if told < Some(event.seq) {
                        pending.push(event);
                    }
                }
            }
        }
    }

    /// What makes no difference any more is forgotten, so that equal states are one.
    fn forget_what_is_past(&mut self) {
        let Some(head) = self.head else { return };
        for stage in self.subscribers.iter_mut().flatten() {
            if let Stage::Live { seen } = stage
                && *seen <= head
            {
                *seen = 0;
            }
        }
    }
}

fn removes(event: Event, who: usize) -> bool {
    event.body == Body::Removal && who == REMOVED
}
