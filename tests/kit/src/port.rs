//! Ports that stay free: for servers that must be told their port before they start.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::random::random_in;

/// Below Linux's ephemeral range (32768 and up). A port from that range could be taken by any outgoing connection
/// between choosing and listening, or while its server is down to be restarted; worse, a client that connects to its
/// own ephemeral port while nobody listens there succeeds in connecting to itself.
const PORT_RANGE: std::ops::Range<u16> = 18_000..32_000;

/// More attempts than a machine with half of the range in use would need.
const MAX_ATTEMPTS: u32 = 200;

/// Ports that this process has given out, so that two tests of it do not get the same before either listens.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port of 127.0.0.1 on which nothing listens.
///
/// # Errors
/// [`Error::NoFreePort`] when none was found.
pub fn free_port() -> Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..MAX_ATTEMPTS {
        let port = random_in(PORT_RANGE);
        if !given.contains(&port) && is_free(port) {
            given.insert(port);
            return Ok(port);
        }
    }
    Err(Error::NoFreePort)
}

/// An address of 127.0.0.1 with a [`free_port`].
///
/// # Errors
/// [`Error::NoFreePort`] when none was found.
pub fn free_address() -> Result<SocketAddr> {
    Ok(local(free_port()?))
}

/// `127.0.0.1:port`.
#[must_use]
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Whether one could listen on the port now.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(local(port)).is_ok()
}
