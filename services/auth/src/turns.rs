//! Turns to hash a password: a bounded number at once, and a bounded queue before them that is fair.
//!
//! The queue takes one password of each address in turn and, at one address, one of each account in turn. A flood from a few
//! addresses delays somebody at another address by one hash of each of them, not by all that they sent. Where the queue is
//! full, a newcomer takes the place of the last one of the address that has the most waiting.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madang_domain::Username;
use madang_flow_control::{FairQueue, Pushed, subscriber_network};
use tokio::sync::oneshot;

use crate::error::{AuthError, Result};

/// How long a password may wait for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// For whom a password is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applicant {
    /// The part of the address that one subscriber has; none where no address is vouched for.
    network: Option<IpAddr>,
    account: Username,
}

impl Applicant {
    pub(crate) fn new(ip: Option<IpAddr>, account: &Username) -> Self {
        Self { network: ip.map(subscriber_network), account: account.clone() }
    }
}

/// The turns there are.
#[derive(Debug)]
pub(crate) struct Turns {
    concurrency: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: usize,
    /// Nobody waits while fewer run than may.
    waiting: FairQueue<Option<IpAddr>, Username, Waiter>,
    next_number: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    turn: oneshot::Sender<Turn>,
}

/// The right to hash one password; dropping it lets the next one hash.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Option<Arc<Turns>>,
}

/// A place in the queue, which is given up where its owner waits no more.
struct Place<'a> {
    turns: &'a Turns,
    applicant: Applicant,
    number: u64,
}

impl Turns {
    pub(crate) fn new(concurrency: usize, queue: usize) -> Self {
        let state = State { running: 0, waiting: FairQueue::new(queue), next_number: 0 };
        Self { concurrency, state: Mutex::new(state) }
    }

    /// Waits for a turn. Refused at once where the queue is full, and after [`WAIT_MAX`].
    pub(crate) async fn take(self: &Arc<Self>, applicant: Applicant) -> Result<Turn> {
        let (sender, turn) = oneshot::channel();
        let (number, evicted) = {
            let mut state = self.state();
            if state.running < self.concurrency {
                state.running += 1;
                return Ok(Turn { turns: Some(Arc::clone(self)) });
            }
            let number = state.next_number;
            state.next_number += 1;
            let Applicant { network, account } = applicant.clone();
            match state.waiting.push(network, account, Waiter { number, turn: sender }) {
                Pushed::Waits => (number, None),
                Pushed::InPlaceOf(evicted) => (number, Some(evicted)),
                Pushed::Refused(_) => return Err(AuthError::Overloaded),
            }
        };
        // Its owner hears of it by the end of the channel.
        drop(evicted);
        let _place = Place { turns: self, applicant, number };
        match tokio::time::timeout(WAIT_MAX, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_evicted)) => Err(AuthError::Overloaded),
            Err(_elapsed) => Err(AuthError::Overloaded),
        }
    }

    /// Gives a turn that has ended to who is next.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                let Some(next) = state.waiting.pop() else {
                    state.running -= 1;
                    return;
                };
                next
            };
            // Outside of the lock: a turn that comes back takes it.
            match next.turn.send(Turn { turns: Some(Arc::clone(self)) }) {
                Ok(()) => return,
                Err(mut not_wanted) => not_wanted.turns = None,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.pass_on();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Applicant { network, account } = &self.applicant;
        let waiter =
            self.turns.state().waiting.remove(network, account, |waiter| waiter.number == self.number);
        drop(waiter);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::{FutureExt as _, future::BoxFuture, poll};

    use super::*;

    fn applicant(last: u8, account: &str) -> Applicant {
        Applicant::new(Some(IpAddr::from([192, 0, 2, last])), &Username::new(account).unwrap())
    }

    /// An applicant who has asked, and either has a turn or waits.
    async fn ask(
        turns: &Arc<Turns>,
        who: Applicant,
    ) -> (Poll<Result<Turn>>, BoxFuture<'static, Result<Turn>>) {
        let turns = Arc::clone(turns);
        let mut asked = async move { turns.take(who).await }.boxed();
        (poll!(&mut asked), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_delays_another_address_by_one_turn_of_each_flooding_address() {
        let turns = Arc::new(Turns::new(1, 256));
        let running = turns.take(applicant(200, "first")).await.unwrap();
        let mut flood = Vec::new();
        for n in 0..100 {
            for address in 1..=4 {
                let (asked, waits) = ask(&turns, applicant(address, &format!("user{n}"))).await;
                match asked {
                    Poll::Pending => flood.push(waits),
                    Poll::Ready(result) => assert!(matches!(result, Err(AuthError::Overloaded))),
                }
            }
        }
        assert_eq!(flood.len(), 256, "the queue is full");
        let (asked, mut mina) = ask(&turns, applicant(9, "mina")).await;
        assert!(asked.is_pending(), "and still has a place for another address");
        let mut hashed = 0;
        drop(running);
        let _turn = loop {
            if let Poll::Ready(turn) = poll!(&mut mina) {
                break turn.unwrap();
            }
            // Whoever has the turn hashes, and gives it up.
            let mut at = 0;
            let turn = loop {
                match flood[at].as_mut().now_or_never() {
                    None => at += 1,
                    // One had to make room.
                    Some(Err(_)) => drop(flood.remove(at)),
                    Some(Ok(turn)) => break turn,
                }
            };
            hashed += 1;
            drop(flood.remove(at));
            drop(turn);
        };
        assert_eq!(hashed, 4, "one of each address");
    }

    #[tokio::test(start_paused = true)]
    async fn at_one_address_a_flood_of_one_account_delays_another_by_one_turn() {
        let turns = Arc::new(Turns::new(1, 256));
        let running = turns.take(applicant(1, "loud")).await.unwrap();
        let mut flood = Vec::new();
        for _ in 0..100 {
            flood.push(ask(&turns, applicant(1, "loud")).await.1);
        }
        let (_, mut quiet) = ask(&turns, applicant(1, "quiet")).await;
        drop(running);
        let first = flood[0].as_mut().now_or_never().expect("the first of the flood").unwrap();
        assert!(poll!(&mut quiet).is_pending());
        drop(first);
        assert!(poll!(&mut quiet).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_or_gives_up_leaves_no_place_taken() {
        let turns = Arc::new(Turns::new(1, 2));
        let running = turns.take(applicant(1, "user-a")).await.unwrap();
        let (_, gives_up) = ask(&turns, applicant(2, "user-b")).await;
        let (_, waits) = ask(&turns, applicant(3, "user-c")).await;
        assert!(matches!(
            ask(&turns, applicant(4, "user-d")).await.0,
            Poll::Ready(Err(AuthError::Overloaded))
        ));
        drop(gives_up);
        assert_eq!(turns.state().waiting.len(), 1);
        assert!(matches!(waits.await, Err(AuthError::Overloaded)), "after the longest wait");
        assert!(turns.state().waiting.is_empty());
        // The turn itself is not lost.
        let (asked, next) = ask(&turns, applicant(5, "user-e")).await;
        assert!(asked.is_pending());
        drop(running);
        let turn = next.await.unwrap();
        drop(turn);
        assert_eq!(turns.state().running, 0);
    }

    #[tokio::test]
    async fn a_turn_that_nobody_took_up_goes_to_the_next() {
        let turns = Arc::new(Turns::new(1, 2));
        let running = turns.take(applicant(1, "user-a")).await.unwrap();
        let (_, leaves) = ask(&turns, applicant(2, "user-b")).await;
        let (_, mut stays) = ask(&turns, applicant(3, "user-c")).await;
        // The turn has been given, and its owner goes without having looked.
        drop(running);
        drop(leaves);
        assert!(matches!(poll!(&mut stays), Poll::Ready(Ok(_))));
        drop(stays);
        assert_eq!(turns.state().running, 0);
    }
}
