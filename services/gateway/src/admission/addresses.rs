//! What one address may use before anything is known of who is behind it: connections, and handshakes. They are counted
//! for each [network](subscriber_network) that one subscriber has.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use madang_flow_control::{KeyedRateLimiter, RateLimit, subscriber_network};

/// The networks whose handshakes are counted, at a hundred bytes each. Past it the one that was used least recently is
/// forgotten.
const HANDSHAKE_NETWORKS: usize = 65_536;

/// How many connections each network holds. There is an entry only for a network that holds one, so that the connections'
/// own bound is that of the map.
#[derive(Debug)]
pub(crate) struct AddressConnections {
    max: u32,
    held: Mutex<HashMap<IpAddr, u32>>,
}

/// One of a network's connections; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    connections: Arc<AddressConnections>,
    network: IpAddr,
}

impl AddressConnections {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, held: Mutex::default() }
    }

    /// Takes a place for one more connection from an address; none when all places of its network are taken.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<AddressPermit> {
        let network = subscriber_network(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(network).or_default();
        // A bound of 0 would leave an entry that nobody gives up; the setting begins at 1.
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(AddressPermit { connections: Arc::clone(self), network })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut held = self.connections.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = held.entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// The handshakes of each network that have not shown a good credential, yet or at all. One that does is given back, so
/// that many users behind one address are not held up by their number.
#[derive(Debug)]
pub(crate) struct Handshakes {
    epoch: Instant,
    pub(super) limit: RateLimit,
    networks: KeyedRateLimiter<IpAddr>,
}

/// A handshake that has begun.
#[derive(Debug)]
pub(crate) struct Handshake {
    handshakes: Arc<Handshakes>,
    network: IpAddr,
}

impl Handshakes {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { epoch: Instant::now(), limit, networks: KeyedRateLimiter::new(HANDSHAKE_NETWORKS) }
    }

    /// Begins a handshake from an address; or says after which time it may.
    pub(crate) fn begin(self: &Arc<Self>, address: IpAddr) -> Result<Handshake, Duration> {
        let network = subscriber_network(address);
        self.networks.take(network, self.limit, self.now_micros())?;
        Ok(Handshake { handshakes: Arc::clone(self), network })
    }

    /// How many handshakes a network may still begin.
    pub(super) fn left(&self, network: IpAddr) -> u32 {
        self.networks.there_are(&network, self.limit, self.now_micros())
    }

    fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

impl Handshake {
    /// The client has shown a good credential.
    pub(crate) fn authenticated(self) {
        self.handshakes.networks.give_back(&self.network, self.handshakes.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_so_many_connections_and_whoever_leaves_makes_room() {
        let connections = Arc::new(AddressConnections::new(2));
        let (mine, other) = (address("2001:db8::1"), address("192.0.2.1"));
        let held: Vec<_> = (0..2).map(|_| connections.take(mine).unwrap()).collect();
        assert!(connections.take(address("2001:db8::2")).is_none(), "another address of the same /64");
        let others = connections.take(other).unwrap();
        drop(held);
        assert!(connections.take(mine).is_some());
        drop(others);
        assert!(connections.held.lock().unwrap().is_empty(), "nothing is kept of who has left");
    }

    #[test]
    fn handshakes_without_a_good_credential_are_counted_and_others_are_not() {
        let limit = RateLimit { interval: Duration::from_secs(60), burst: 3 };
        let handshakes = Arc::new(Handshakes::new(limit));
        let (mine, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..100 {
            handshakes.begin(mine).unwrap().authenticated();
        }
        for _ in 0..3 {
            drop(handshakes.begin(mine).unwrap());
        }
        let wait = handshakes.begin(mine).unwrap_err();
        assert!(wait <= limit.interval, "{wait:?}");
        assert!(handshakes.begin(other).is_ok());
    }
}
