//! What one address may use before anything is known of who is behind it: connections, and handshakes.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use madang_flow_control::{KeyedRateLimiter, RateLimit};

/// An IPv6 subscriber is given a network of at least this prefix, and may take any address of it (RFC 6177).
const IPV6_PREFIX_BITS: u32 = 64;
/// The networks whose handshakes are counted, at a hundred bytes each. Past it the one that was used least recently is
/// forgotten.
const HANDSHAKE_NETWORKS: usize = 65_536;

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    /// The network of an address. An IPv4 address that is written as IPv6 counts as IPv4.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - IPV6_PREFIX_BITS))))
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// How many connections each network holds. There is an entry only for a network that holds one, so that the connections'
/// own bound is that of the map.
#[derive(Debug)]
pub(crate) struct AddressConnections {
    max: u32,
    held: Mutex<HashMap<Network, u32>>,
}

/// One of a network's connections; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    connections: Arc<AddressConnections>,
    network: Network,
}

impl AddressConnections {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, held: Mutex::default() }
    }

    /// Takes a place for one more connection of a network; none when all of its places are taken.
    pub(crate) fn take(self: &Arc<Self>, network: Network) -> Option<AddressPermit> {
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
    limit: RateLimit,
    networks: KeyedRateLimiter<Network>,
}

/// A handshake that has begun.
#[derive(Debug)]
pub(crate) struct Handshake {
    handshakes: Arc<Handshakes>,
    network: Network,
}

impl Handshakes {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { epoch: Instant::now(), limit, networks: KeyedRateLimiter::new(HANDSHAKE_NETWORKS) }
    }

    /// Begins a handshake of a network; or says after which time it may.
    pub(crate) fn begin(self: &Arc<Self>, network: Network) -> Result<Handshake, Duration> {
        let now_micros = self.epoch.elapsed().as_micros() as u64;
        self.networks.take(network, self.limit, now_micros)?;
        Ok(Handshake { handshakes: Arc::clone(self), network })
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

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn a_subscriber_is_one_network_however_it_writes_its_address() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn a_network_holds_so_many_connections_and_whoever_leaves_makes_room() {
        let connections = Arc::new(AddressConnections::new(2));
        let (mine, other) = (network("2001:db8::1"), network("192.0.2.1"));
        let held: Vec<_> = (0..2).map(|_| connections.take(mine).unwrap()).collect();
        assert!(connections.take(network("2001:db8::2")).is_none(), "another address of the same /64");
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
        let (mine, other) = (network("192.0.2.1"), network("192.0.2.2"));
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
