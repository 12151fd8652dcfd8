//! The times that are promised. `docs/delivery.md` and `docs/architecture.md` say why they are what they are.

use std::time::Duration;

/// An event that is published reaches every listener within this. With everything up 99 of 100 take less than 50 ms;
/// this is for each single one, by unoptimised binaries on a busy machine. It stays below the two seconds after which a
/// comparison of heads finds what was not published, so that a lost publish does not pass for a slow one.
pub const LIVE: Duration = Duration::from_secs(1);

/// After the end of any single fault everybody has everything within this.
pub const COMPLETE_AGAIN: Duration = Duration::from_secs(5);

/// After this a member who was removed, or a session that was revoked, hears nothing more on any gateway.
pub const CUT_OFF: Duration = Duration::from_secs(1);

/// A gateway that has not renewed its lease for this long is dead to the others.
pub const LEASE: Duration = Duration::from_secs(10);

/// A change of presence reaches a socket within this: the next pulse of a gateway that looks what is due (2 s at most).
pub const PRESENCE_PULSE: Duration = Duration::from_secs(2);
