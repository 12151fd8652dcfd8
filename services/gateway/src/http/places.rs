//! The places for connections: how many there are, how many one address may hold.

use std::{net::IpAddr, sync::Arc, time::Duration};

use madang_domain::{Code, Error, Limit};
use madang_kit::{Metrics, metrics::Described};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client_address::ClientAddress;
use crate::{
    admission::{AddressConnections, AddressPermit},
    metrics::PlaceRefusal,
};

/// When a client that found no place is to come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

const CONNECTIONS: Described = Described::gauge(
    "madang.gateway.connections",
    "{connection}",
    "Connections that are open: sockets and HTTP.",
);
const MAX_CONNECTIONS: Described = Described::gauge(
    "madang.gateway.max_connections",
    "{connection}",
    "The most connections that may be open: MADANG_MAX_CONNECTIONS.",
);

/// All places for connections.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    max: usize,
    addresses: Arc<AddressConnections>,
    /// Connections are made by clients themselves. Where proxies make them, each address's requests and sockets are
    /// counted instead.
    are_clients: bool,
}

/// A connection's place; dropping it gives it up.
#[derive(Debug)]
pub(super) struct Place {
    _any: OwnedSemaphorePermit,
    _of_address: Option<AddressPermit>,
}

/// Counts a connection, and its client's address, within their bounds. A session keeps it, so that a socket counts for as
/// long as it lives.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPermit {
    _place: Arc<Place>,
    _of_address: Option<Arc<AddressPermit>>,
}

/// Why there is no place, as an extension of the requests that get none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// All are taken.
    Full,
    /// The address has all that it may.
    AddressFull,
}

impl Places {
    pub(super) fn new(max: usize, address_max: u32, are_clients: bool) -> Self {
        let addresses = Arc::new(AddressConnections::new(address_max));
        Self { all: Arc::new(Semaphore::new(max)), max, addresses, are_clients }
    }

    /// Shows how many places are taken, and how many there are.
    pub(super) fn observe(&self, metrics: &Metrics) {
        let (all, max) = (Arc::clone(&self.all), self.max);
        metrics.observe(CONNECTIONS, move |observer| {
            observer.observe(max.saturating_sub(all.available_permits()) as f64, &[]);
        });
        metrics.observe(MAX_CONNECTIONS, move |observer| observer.observe(max as f64, &[]));
    }

    /// Takes a place for a connection from an address.
    pub(super) fn take(&self, peer: IpAddr) -> Result<Place, Refusal> {
        let of_address = if self.are_clients {
            Some(self.addresses.take(peer).ok_or(Refusal::AddressFull)?)
        } else {
            None
        };
        let any = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Refusal::Full)?;
        Ok(Place { _any: any, _of_address: of_address })
    }

    /// Counts a request on a connection that has a place.
    pub(super) fn permit(
        &self,
        place: Arc<Place>,
        client: ClientAddress,
    ) -> Result<ConnectionPermit, Refusal> {
        // The address of a proxy is that of all clients of whom it says none.
        let of_address = if self.are_clients || client.is_peer {
            None
        } else {
            Some(Arc::new(self.addresses.take(client.ip).ok_or(Refusal::AddressFull)?))
        };
        Ok(ConnectionPermit { _place: place, _of_address: of_address })
    }
}

impl From<Refusal> for PlaceRefusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::Full,
            Refusal::AddressFull => Self::AddressFull,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal {
            Refusal::Full => {
                Self::new(Code::Unavailable, "this server has no free connection: try again later")
            }
            Refusal::AddressFull => return Self::rate_limited(Limit::AddressConnections, COME_BACK_AFTER),
        };
        error.retry_after(COME_BACK_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHERS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn connections_are_bounded_and_those_of_an_address_too() {
        let places = Places::new(3, 2, true);
        let mine: Vec<_> = (0..2).map(|_| places.take(MINE).unwrap()).collect();
        assert_eq!(places.take(MINE).unwrap_err(), Refusal::AddressFull);
        let _others = places.take(OTHERS).unwrap();
        assert_eq!(places.take(OTHERS).unwrap_err(), Refusal::Full);
        drop(mine);
        assert!(places.take(OTHERS).is_ok(), "a refusal for want of places gave the address's place back");
        assert!(places.take(MINE).is_ok());
    }

    #[test]
    fn behind_proxies_requests_are_counted_by_the_address_of_their_clients() {
        let places = Places::new(10, 2, false);
        let connections: Vec<_> = (0..5).map(|_| Arc::new(places.take(MINE).unwrap())).collect();
        let permit = |ip, is_peer| places.permit(Arc::clone(&connections[0]), ClientAddress { ip, is_peer });
        let _requests: Vec<_> = (0..2).map(|_| permit(OTHERS, false).unwrap()).collect();
        assert_eq!(permit(OTHERS, false).unwrap_err(), Refusal::AddressFull);
        let _unknown: Vec<_> = (0..5).map(|_| permit(MINE, true).unwrap()).collect();
    }
}
