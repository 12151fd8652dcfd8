//! Waiting until all is quiet: every open subscription has heard all that there is.

use std::{sync::Arc, time::Duration};

use madang_domain::{RoomId, Seq};
use tokio::time::Instant;

use super::stage::{Followed, Play, lock};
use crate::{
    Case, Violation,
    case::{BusFault, By, GATEWAYS, Settle},
    judge::Standing,
    tape::listed,
};

/// How long a gap that is seen, or a reset, may take to be repaired: less than until the next periodic
/// comparison of heads of busy topics (2 s), so that this does not do the other's work.
const PROMPT: Duration = Duration::from_millis(1_700);
/// How long the periodic comparison may take, with the repair that follows (4 s and a little): the promise.
const SWEPT: Duration = Duration::from_secs(5);
/// What has not come by then, in all, is missing. A machine that stands still makes a case late, and it is judged all the
/// same.
const PATIENCE: Duration = Duration::from_secs(20);

impl Play<'_> {
    /// Ends all faults, and waits until everybody has heard everything by the way that the case names; then rings a
    /// bell in each room, and waits again.
    pub(super) async fn settle(&self, case: &Case) -> Result<(), Violation> {
        let step = case.steps.len();
        if case.settle != Settle::Bell {
            // The last word of each room is lost on its way: no later event tells that it is missing.
            for gateway in &self.gateways {
                gateway.read().await.bus.faults().plan(BusFault::Drop(u8::MAX)).await;
            }
            self.say_in_each_room(step, "last-word").await?;
        }
        for gateway in &self.gateways {
            gateway.read().await.heal().await;
        }
        self.network.calls.close();
        self.network.calls.wait().await;
        match case.settle {
            Settle::Bell => {}
            Settle::Reset => {
                for gateway in &self.gateways {
                    gateway.read().await.bus.faults().reset().await;
                }
                self.quiet(PROMPT, "after a reset").await?;
            }
            Settle::Sweep => self.quiet(SWEPT, "by sweeping").await?,
        }
        self.network.calls.reopen();
        self.say_in_each_room(step, "bell").await?;
        self.quiet(PROMPT, "after the bell").await
    }

    /// One more message in each room that has somebody who can say it.
    async fn say_in_each_room(&self, step: usize, what: &str) -> Result<(), Violation> {
        let logs = self.logs().await?;
        for (number, room) in self.rooms.iter().enumerate() {
            let members = &logs[room].last_state().members;
            let speaker = (0..self.services.people.len())
                .find(|user| members.contains_key(&self.services.people[*user].profile.id));
            if let Some(user) = speaker {
                let by = By::Rest { user, gateway: number % GATEWAYS };
                self.send(step, by, number, format!("{what}-{number}")).await?;
            }
        }
        Ok(())
    }

    /// Waits until each open subscription has heard its room's log to the end. The case is late where that takes longer
    /// than it may.
    async fn quiet(&self, within: Duration, when: &str) -> Result<(), Violation> {
        let mut stirred = self.stir.watch();
        let began = Instant::now();
        let mut until = began + within;
        loop {
            stirred.borrow_and_update();
            // Tapes are read before the log: what they have, the log has.
            let tapes: Vec<_> =
                lock(&self.tapes).iter().map(|tape| (Arc::clone(tape), tape.entries().clone())).collect();
            let logs = self.logs().await?;
            let mut behind = None;
            for (tape, entries) in tapes {
                let rooms = crate::judge::socket::follow(&tape, &logs, &entries)?;
                let followed = Followed { tape, rooms };
                behind = behind.or_else(|| lags(&followed, |room| logs[&room].head()));
            }
            let Some(behind) = behind else { return Ok(()) };
            if tokio::time::timeout_at(until, stirred.changed()).await.is_err() {
                if until == began + PATIENCE {
                    return Err(Violation::Missing(format!("{behind}, {PATIENCE:?} {when}")));
                }
                lock(&self.late).get_or_insert(format!("{behind}, {within:?} {when}"));
                until = began + PATIENCE;
            }
        }
    }
}

/// What a socket still has to hear.
fn lags(followed: &Followed, head: impl Fn(RoomId) -> Seq) -> Option<String> {
    let Followed { tape, rooms } = followed;
    if tape.is_over() {
        return None;
    }
    rooms.iter().find_map(|(room, standing)| match standing {
        Standing::Open { seen, caught_up, .. } if *seen < head(*room) || !caught_up => Some(format!(
            "{tape} has heard {room} to {seen} of {}; its tape:{}",
            head(*room),
            listed(&tape.entries()),
        )),
        Standing::Open { .. }
        | Standing::Removed
        | Standing::Unsubscribed { .. }
        | Standing::Doubtful { .. } => None,
    })
}
