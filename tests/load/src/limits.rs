//! The limit that a generator of thousands of sockets meets first: open files (getrlimit(2)).

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files besides the clients' sockets: the cluster's pipes and logs, the set-up's connections.
const OTHER_FILES: u64 = 1_000;

/// A machine that does not allow so many sockets.
#[derive(Debug, thiserror::Error)]
#[error("{needed} open files are needed and {allowed} allowed; raise the hard limit (`ulimit -Hn {needed}`)")]
pub struct TooFewFiles {
    needed: u64,
    allowed: u64,
    source: io::Error,
}

/// Allows this process, and the servers that it starts, so many sockets.
///
/// # Errors
/// When the hard limit is lower and may not be raised.
pub fn allow_sockets(sockets: u64) -> Result<(), TooFewFiles> {
    let needed = sockets + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is infinity.
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = maximum.map(|maximum| maximum.max(needed));
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).map_err(|source| TooFewFiles {
        needed,
        allowed: current.unwrap_or_default(),
        source: source.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_and_never_lowered() {
        allow_sockets(100).unwrap();
        let before = getrlimit(Resource::Nofile).current.unwrap();
        assert!(before >= 1_100);
        allow_sockets(1).unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap(), before);
    }
}
