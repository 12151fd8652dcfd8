//! A hub takes events and finds out what it lacks (`services/gateway/src/hub/shard.rs`); a subscriber comes, is told
//! what it missed, and goes live (`services/gateway/src/commands/subscribe.rs`).

use crate::{
    bounds::Defect,
    delivery::Delivery,
    hub::{Hub, Push},
    log::{Event, Seq},
    sizes::REMOVED,
    state::{Place, State},
    step::Step,
};

impl Delivery {
    pub(crate) fn hub_steps(&self, state: &State, gateway: usize, each: &mut impl FnMut(Step)) {
        let it = &state.gateways[gateway];
        for at in 0..it.arriving.len() {
            each(Step::Arrive { gateway, at });
        }
        let Some(hub) = &it.hub else { return };
        let head = state.log.head();
        if hub.missing_after().is_some_and(|after| head > after) {
            each(Step::Repair { gateway });
        }
        let is_compared = hub.head().is_some() || self.defect != Some(Defect::ComparesOpenHubsOnly);
        if self.sweeps() && is_compared && head > hub.known() {
            each(Step::Sweep { gateway });
        }
        if self.bounds.gives_up_hubs && hub.is_empty() {
            each(Step::GiveUpHub { gateway });
        }
        let is_removed = state.log.removal().is_some();
        if self.defect == Some(Defect::RemovalOutsideTheLog) && is_removed && hub.listens(REMOVED) {
            each(Step::Kick { gateway });
        }
    }

    pub(crate) fn subscriber_steps(&self, state: &State, each: &mut impl FnMut(Step)) {
        let registers_late = self.defect == Some(Defect::RegisterAfterHead);
        let is_listener = |at: usize| state.gateways[at].may_open;
        for (who, it) in state.subscribers.iter().enumerate().take(self.bounds.subscribers) {
            match it.place {
                Place::Away => {
                    for gateway in self.gateways_to_choose(state) {
                        for cursor in it.cursor..=it.last() {
                            each(Step::Connect { gateway, who, cursor });
                        }
                    }
                }
                Place::Attached(at) if is_listener(at) || registers_late => each(Step::Open { who }),
                Place::Opened(at, _) if is_listener(at) => each(Step::Activate { who }),
                Place::Attached(_) | Place::Opened(..) | Place::Live(_) | Place::Gone => {}
            }
        }
    }

    /// `Command::Events`: an event reaches the hub, if there is one.
    pub(crate) fn accept(&self, state: &mut State, gateway: usize, event: Event) {
        let mut out = Vec::new();
        if let Some(hub) = &mut state.gateways[gateway].hub {
            hub.accept(event, self.defect, &mut out);
        }
        tell_all(state, out);
    }

    /// `Shard::start_repair`, `Shard::finish_repair`; one at a time, single flight. Pages of one event show whatever
    /// comes between the pages, and that a page which was read a while ago holds less than the store has.
    pub(crate) fn repair(&self, state: &mut State, gateway: usize) {
        let after = state.gateways[gateway].hub.and_then(|hub| hub.missing_after());
        if let Some(event) = after.and_then(|after| state.log.at(after + 1)) {
            self.accept(state, gateway, event);
        }
    }

    /// `Shard::compare_heads`, `Shard::note_heads`.
    pub(crate) fn compare_heads(&self, state: &mut State, gateway: usize) {
        let head = state.log.head();
        if let Some(hub) = &mut state.gateways[gateway].hub {
            hub.note_head(head, self.defect);
        }
    }

    /// `Shard::look_after`, after `LINGER`; `WantedSubscriptions::unsubscribe`.
    pub(crate) fn give_up_hub(state: &mut State, gateway: usize) {
        let it = &mut state.gateways[gateway];
        (it.hub, it.may_open, it.bus.is_confirmed) = (None, false, false);
    }

    /// `session::run`, then `subscribe.rs::open` as far as `Hubs::attach` and `Command::Attach`: a topic without a hub
    /// gets one, and the gateway has to become a listener of it.
    pub(crate) fn connect(state: &mut State, gateway: usize, who: usize, cursor: Seq) {
        state.subscribers[who].begin(Place::Attached(gateway), cursor);
        let it = &mut state.gateways[gateway];
        if it.hub.is_none() {
            it.bus.is_confirmed = false;
        }
        it.hub.get_or_insert_with(Hub::default).attach(who);
    }

    /// `subscribe.rs::open`: the call to the store; `services/message-store/src/open.rs`. Who is no member is refused.
    pub(crate) fn open(state: &mut State, who: usize) {
        let Some(gateway) = state.subscribers[who].place.gateway() else { return };
        if let Some(head) = state.log.head_for(who == REMOVED) {
            state.subscribers[who].place = Place::Opened(gateway, head);
            return;
        }
        state.subscribers[who].place = Place::Gone;
        if let Some(hub) = &mut state.gateways[gateway].hub {
            hub.detach(who);
        }
    }

    /// `subscribe.rs::catch_up`: what was missed, then `Hubs::activate`.
    pub(crate) fn activate(&self, state: &mut State, who: usize) {
        let it = &mut state.subscribers[who];
        let Place::Opened(gateway, head) = it.place else { return };
        it.place = Place::Live(gateway);
        for seq in it.cursor + 1..=head {
            if let Some(event) = state.log.at(seq) {
                state.tell(who, event);
            }
        }
        let mut out = Vec::new();
        if let Some(hub) = &mut state.gateways[gateway].hub {
            hub.activate(who, head, self.defect, &mut out);
        }
        tell_all(state, out);
    }

    /// [`Defect::RemovalOutsideTheLog`].
    pub(crate) fn kick(state: &mut State, gateway: usize) {
        if let Some(hub) = &mut state.gateways[gateway].hub {
            hub.detach(REMOVED);
        }
        state.subscribers[REMOVED].place = Place::Gone;
    }
}

fn tell_all(state: &mut State, out: Vec<Push>) {
    for push in out {
        state.tell(push.to, push.event);
    }
}
