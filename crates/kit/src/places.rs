//! The places for the connections of a port: how many there are, and who gives one up for another.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The connections of one port, at most so many.
///
/// A connection is *settled* once its peer has shown that it speaks the protocol. Where all places are taken, one more ends
/// the oldest that is not settled: a flood of silent connections keeps nobody out who speaks at once. Where all are settled,
/// one more is refused; one address has a part of the places, so that it alone cannot take all.
#[derive(Debug)]
pub struct Places {
    max: usize,
    address_max: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    /// Those that are not settled, the oldest first.
    waiting: BTreeMap<u64, Waiting>,
    settled: usize,
    /// How many each address has. There is an entry only for one that has some.
    addresses: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    ended: CancellationToken,
}

/// A connection's place; dropping it gives it up.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
    address: IpAddr,
    is_settled: bool,
    ended: CancellationToken,
}

impl Places {
    /// So many places, of which one address may have a part.
    #[must_use]
    pub fn new(max: usize, address_max: usize) -> Arc<Self> {
        Arc::new(Self { max, address_max, held: Mutex::default() })
    }

    /// Takes a place for a connection from an address; none where all are taken by settled ones.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut held = self.held();
        if held.addresses.get(&address).is_some_and(|count| *count >= self.address_max) {
            let of_address = held.waiting.iter().find(|(_, waiting)| waiting.address == address);
            let oldest = *of_address?.0;
            held.end(oldest);
        } else if held.waiting.len() + held.settled >= self.max {
            let oldest = *held.waiting.first_key_value()?.0;
            held.end(oldest);
        }
        let number = held.next;
        held.next += 1;
        let ended = CancellationToken::new();
        held.waiting.insert(number, Waiting { address, ended: ended.clone() });
        *held.addresses.entry(address).or_default() += 1;
        drop(held);
        Some(Place { places: Arc::clone(self), number, address, is_settled: false, ended })
    }

    /// Ends all that are not settled: nobody is served any more.
    pub fn end_waiting(&self) {
        let mut held = self.held();
        while let Some((number, _)) = held.waiting.first_key_value() {
            let number = *number;
            held.end(number);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // No code under the lock can panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Ends one that is not settled.
    fn end(&mut self, number: u64) {
        if let Some(Waiting { address, ended }) = self.waiting.remove(&number) {
            ended.cancel();
            self.forget(address);
        }
    }

    fn forget(&mut self, address: IpAddr) {
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Place {
    /// The peer speaks the protocol: the connection is not ended for another any more.
    pub fn settle(&mut self) {
        let mut held = self.places.held();
        if held.waiting.remove(&self.number).is_some() {
            held.settled += 1;
            drop(held);
            self.is_settled = true;
        }
    }

    /// Is cancelled when the place is needed for another connection.
    #[must_use]
    pub const fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        if self.is_settled {
            held.settled -= 1;
            held.forget(self.address);
        } else {
            held.end(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHERS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn are_ended(taken: &[Place]) -> Vec<bool> {
        taken.iter().map(|place| place.ended().is_cancelled()).collect()
    }

    #[test]
    fn one_more_ends_the_oldest_that_is_not_settled() {
        let places = Places::new(3, 3);
        let mut taken: Vec<_> = (0..3).map(|_| places.take(MINE).unwrap()).collect();
        taken[0].settle();
        taken.push(places.take(OTHERS).unwrap());
        assert_eq!(are_ended(&taken), [false, true, false, false]);
        for place in &mut taken {
            place.settle();
        }
        assert!(places.take(OTHERS).is_none(), "all are settled");
        // What was ended has no place to give up.
        drop(taken.remove(1));
        assert!(places.take(OTHERS).is_none());
        taken.pop();
        let last = places.take(OTHERS).unwrap();
        places.end_waiting();
        assert!(last.ended().is_cancelled());
        assert_eq!(are_ended(&taken), [false, false]);
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let places = Places::new(10, 2);
        let mut mine: Vec<_> = (0..3).map(|_| places.take(MINE).unwrap()).collect();
        assert_eq!(are_ended(&mine), [true, false, false], "for one of its own");
        mine.iter_mut().for_each(Place::settle);
        assert!(places.take(MINE).is_none());
        let others = places.take(OTHERS).unwrap();
        assert_eq!(are_ended(&mine), [true, false, false]);
        drop((mine, others));
        let held = places.held();
        assert_eq!((held.waiting.len(), held.settled, held.addresses.len()), (0, 0, 0), "nothing is kept");
    }
}
