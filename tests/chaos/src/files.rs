//! The limit that hundreds of clients and their lines meet first: open files (getrlimit(2)).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Error, Result};

/// Files besides the clients': the cluster's pipes, logs and lines.
const OTHER_FILES: u64 = 1_000;

/// A client's socket, the two ends of its line, and a listener at each of two gateways.
pub const WITH_A_LINE: u64 = 6;
/// A client's socket.
pub const WITHOUT_A_LINE: u64 = 1;

/// Allows this process, and the servers that it starts, what so many clients need, of so many files each.
///
/// # Errors
/// When the hard limit is lower and may not be raised.
pub fn allow_clients(clients: usize, files_each: u64) -> Result<()> {
    let needed = u64::try_from(clients).unwrap_or(u64::MAX).saturating_mul(files_each) + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is infinity.
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = maximum.map(|maximum| maximum.max(needed));
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })
        .map_err(|source| Error::TooFewFiles { needed, source: source.into() })
}
