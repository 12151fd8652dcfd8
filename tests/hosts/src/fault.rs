//! What happens to hosts, and to the network between them.

use std::{fmt, time::Duration};

use madang_chaos::{Result, inject::Injected};
use madang_test_kit::{Cut, Process};
use tokio::time::sleep;

use crate::place::{At, Place};

/// Longer than the keep-alive between services (3 s in all), shorter than most calls' deadline.
const SHORT: Duration = Duration::from_secs(4);
/// A gateway's lease in Redis.
const LEASE: Duration = Duration::from_secs(10);
/// Longer than that, than a call's deadline, and than every keep-alive.
const LONG: Duration = Duration::from_secs(13);

/// What happens.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// Packets between two hosts are dropped.
    Cut(At, At, Cut),
    /// Packets between a host and all others of the cluster are dropped; clients still reach it.
    Isolated(At),
    /// A host stands still, its connections open.
    Frozen(At),
}

/// What happens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What.
    pub what: What,
    /// For how long.
    pub hold: Duration,
}

impl Fault {
    /// All of them, in the order of a run.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let (gateway, store) = (At::Gateway(1), At::Store(1));
        let mut faults = Vec::new();
        let pairs = [
            (gateway, At::Redis),
            (gateway, store),
            (store, At::Postgres),
            (At::Clients, gateway),
            (gateway, At::Auth),
        ];
        for (first, second) in pairs {
            let directions = [Cut::Both, Cut::Forth, Cut::Back];
            faults.extend(directions.map(|cut| Self { what: What::Cut(first, second, cut), hold: SHORT }));
        }
        faults.push(Self { what: What::Cut(At::Auth, At::Postgres, Cut::Both), hold: SHORT });
        faults.push(Self { what: What::Isolated(gateway), hold: SHORT });
        let frozen = [gateway, store, At::Auth, At::Redis, At::Postgres];
        faults.extend(frozen.map(|at| Self { what: What::Frozen(at), hold: SHORT }));
        let long = [
            What::Cut(gateway, At::Redis, Cut::Both),
            What::Cut(gateway, store, Cut::Both),
            What::Cut(store, At::Postgres, Cut::Both),
            What::Isolated(gateway),
            What::Frozen(gateway),
        ];
        faults.extend(long.map(|what| Self { what, hold: LONG }));
        faults
    }

    /// Whether a gateway is away from Redis for longer than its lease.
    #[must_use]
    pub fn ends_a_lease(&self) -> bool {
        let is_away = matches!(
            self.what,
            What::Cut(At::Gateway(_), At::Redis, _)
                | What::Isolated(At::Gateway(_))
                | What::Frozen(At::Gateway(_))
        );
        is_away && self.hold >= LEASE
    }

    /// Lets it happen, holds it and ends it.
    ///
    /// # Errors
    /// When the network cannot be changed.
    pub async fn inject(&self, place: &Place) -> Result<Injected> {
        let network = place.network();
        match self.what {
            What::Cut(first, second, cut) => {
                network.cut(place.address(first), place.address(second), cut)?;
                sleep(self.hold).await;
                network.heal()?;
            }
            What::Isolated(host) => {
                for other in place.hosts().filter(|other| *other != host) {
                    network.cut(place.address(host), place.address(other), Cut::Both)?;
                }
                sleep(self.hold).await;
                network.heal()?;
            }
            What::Frozen(host) => {
                let process = place.process(host);
                process.into_iter().for_each(Process::pause);
                sleep(self.hold).await;
                process.into_iter().for_each(Process::resume);
            }
        }
        Ok(Injected::Over(place.ended()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hold = self.hold.as_secs();
        match self.what {
            What::Cut(first, second, Cut::Both) => write!(f, "{first} and {second} cut, {hold} s"),
            What::Cut(first, second, Cut::Forth) => write!(f, "{first} not heard by {second}, {hold} s"),
            What::Cut(first, second, Cut::Back) => write!(f, "{second} not heard by {first}, {hold} s"),
            What::Isolated(host) => write!(f, "{host} isolated, {hold} s"),
            What::Frozen(host) => write!(f, "{host} frozen, {hold} s"),
        }
    }
}
