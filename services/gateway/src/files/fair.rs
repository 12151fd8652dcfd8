//! What users share fairly: the places for uploads, and the turns of work that is done a little at a time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madang_domain::UserId;
use tokio::sync::oneshot;

/// Of the places, the last quarter is for users who have none. So those who have as many as a user may have leave some to
/// others.
const RESERVED: usize = 4;

/// The places for uploads that are under way.
#[derive(Debug)]
pub(super) struct Places {
    reserved: usize,
    taken: Mutex<Taken>,
}

/// Which places are taken. No more users than places.
#[derive(Debug)]
struct Taken {
    free: usize,
    of: HashMap<UserId, usize>,
}

/// A place for an upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    user: UserId,
}

impl Places {
    pub(super) fn new(places: usize) -> Arc<Self> {
        let taken = Mutex::new(Taken { free: places, of: HashMap::new() });
        Arc::new(Self { reserved: places / RESERVED, taken })
    }

    /// A place for one more upload of a user's. None: no place is free, or the user has one and few are free.
    pub(super) fn take(self: &Arc<Self>, user: UserId) -> Option<Place> {
        let mut taken = self.lock();
        let kept_free = if taken.of.contains_key(&user) { self.reserved } else { 0 };
        if taken.free <= kept_free {
            return None;
        }
        taken.free -= 1;
        *taken.of.entry(user).or_default() += 1;
        Some(Place { places: Arc::clone(self), user })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // A poisoned lock is used on, since no code under it can panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.free += 1;
        if let Some(of_user) = taken.of.get_mut(&self.user) {
            *of_user -= 1;
            if *of_user == 0 {
                taken.of.remove(&self.user);
            }
        }
    }
}

/// A queue of work in which users wait for one another and not for one another's work: each in turn has one piece done.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Waiting>);

/// Who waits. The places for uploads bound it.
#[derive(Debug)]
struct Waiting {
    free: usize,
    /// In the order of turns; of each user in the order of arrival.
    users: VecDeque<(UserId, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Arc<Turns>);

impl Turns {
    /// So many at once.
    pub(super) fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Waiting { free: at_once, users: VecDeque::new() })))
    }

    /// Waits for a user's turn. Whoever drops this future gives the turn up.
    pub(super) async fn take(self: &Arc<Self>, user: UserId) -> Turn {
        loop {
            let waiting = {
                let mut waiting = self.lock();
                if waiting.free > 0 {
                    waiting.free -= 1;
                    return Turn(Arc::clone(self));
                }
                let (sender, receiver) = oneshot::channel();
                match waiting.users.iter_mut().find(|(waits, _)| *waits == user) {
                    Some((_, of_user)) => of_user.push_back(sender),
                    None => waiting.users.push_back((user, VecDeque::from([sender]))),
                }
                receiver
            };
            // Nobody drops who waits.
            if let Ok(turn) = waiting.await {
                return turn;
            }
        }
    }

    /// Who is next; none where nobody waits, and then one more is free.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut waiting = self.lock();
        while let Some((user, mut of_user)) = waiting.users.pop_front() {
            let next = of_user.pop_front();
            if !of_user.is_empty() {
                waiting.users.push_back((user, of_user));
            }
            // Whoever has gone waits no more.
            if let Some(next) = next.filter(|next| !next.is_closed()) {
                return Some(next);
            }
        }
        waiting.free += 1;
        None
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A poisoned lock is used on, since no code under it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(next) = self.0.next() {
            // Without the lock: where nobody receives it any more, it is dropped here and passed on.
            let _ = next.send(Self(Arc::clone(&self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn those_who_have_many_places_leave_some_to_others() {
        let places = Places::new(32);
        let of_eight: Vec<Place> = (0..8)
            .flat_map(|number| (0..4).filter_map(|_| places.take(user(number))).collect::<Vec<_>>())
            .collect();
        assert_eq!(of_eight.len(), 24 + 2, "six have four each, and the others their first ones");
        let of_others: Vec<_> = (10..20).map(|number| places.take(user(number))).collect();
        assert_eq!(of_others.iter().flatten().count(), 6, "one each, as long as there are any");
        drop(of_others);
        assert!(places.take(user(0)).is_none(), "who has some waits until more are free");
        drop(of_eight);
        assert!(places.lock().of.is_empty());
        assert!(places.take(user(0)).is_some());
    }

    #[test]
    fn one_place_is_anybodys() {
        let places = Places::new(1);
        let first = places.take(user(1));
        assert!(first.is_some() && places.take(user(2)).is_none());
        drop(first);
        assert!(places.take(user(2)).is_some());
    }

    #[tokio::test]
    async fn users_take_turns_whoever_has_more_to_be_done() {
        let turns = Turns::new(1);
        let first = turns.take(user(1)).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for (number, name) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (2, "b2"), (3, "c1")] {
            let (turns, order) = (Arc::clone(&turns), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let turn = turns.take(user(number)).await;
                order.lock().unwrap().push(name);
                drop(turn);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[tokio::test]
    async fn who_has_gone_keeps_no_turn() {
        let turns = Turns::new(1);
        let first = turns.take(user(1)).await;
        let mut gone = Box::pin(turns.take(user(2)));
        assert!((&mut gone).now_or_never().is_none());
        let mut next = Box::pin(turns.take(user(3)));
        assert!((&mut next).now_or_never().is_none());
        drop(gone);
        drop(first);
        drop(next.now_or_never().expect("it is its turn"));
        // One that was given a turn and went before it took it passes it on.
        let first = turns.take(user(1)).await;
        let mut gone = Box::pin(turns.take(user(2)));
        assert!((&mut gone).now_or_never().is_none());
        drop(first);
        drop(gone);
        assert!(turns.take(user(3)).now_or_never().is_some());
    }
}
