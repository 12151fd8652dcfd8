//! The bounds of a server.

use std::time::Duration;

/// The bounds of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Longest time to a call's answer (for a stream: to its beginning).
    pub call_timeout: Duration,
    /// Calls in progress at once, over all connections; what exceeds them is `unavailable` at once.
    pub concurrent_calls: usize,
    /// Connections at once, of which one address may have a quarter. One more ends the oldest whose peer has not spoken
    /// yet; where all have, it is refused. A gateway holds two at each replica: one for calls, and one that probes.
    pub connections: usize,
    /// How long a peer may take to begin to speak HTTP/2.
    pub opening_timeout: Duration,
    /// Streams that one connection may have open.
    pub concurrent_streams: u32,
    /// Age at which a connection is asked to close when its calls are done, so that clients which do not
    /// balance by themselves find new replicas. Up to a tenth is added at random per server.
    pub connection_age: Duration,
    /// How long a stopping server goes on serving after it has said that it stops.
    pub announce: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(10),
            concurrent_calls: 4_096,
            connections: 1_024,
            opening_timeout: Duration::from_secs(5),
            concurrent_streams: 2_048,
            connection_age: Duration::from_secs(300),
            announce: Duration::from_millis(300),
        }
    }
}
