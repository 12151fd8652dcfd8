//! A channel that spreads calls over all replicas of a service and follows them as they come and go.
//!
//! HTTP/2 pins a connection to one replica, and tonic's own balancing goes on picking replicas that are
//! dead (<https://github.com/grpc/grpc-rust/issues/643>). So each channel here has
//!
//! - a **resolver** that looks the host names up again at an interval, and soon after a failure;
//! - a **probe** for each address: a connection of its own that follows the standard health service. A
//!   replica that is killed closes it at once; one that hangs, or whose machine is gone, misses a ping;
//!   one that drains says so before it refuses anything;
//! - a **balancer** that keeps in the channel those replicas that serve.
//!
//! When no replica serves, those that are worse stay in: a call then fails with their reason, at once,
//! rather than wait for its deadline. Calls that were under way on a replica when it died fail; callers
//! repeat what may be repeated (the clients of `madang_rpc` do).

mod balance;
mod probe;
mod resolve;

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, mpsc, watch};
use tonic::transport::{Channel, Endpoint};

pub use resolve::InvalidUrl;

use self::{balance::Balancer, resolve::Targets};
use crate::{
    Check, Lifecycle,
    clock::{Random, SystemRandom},
};

/// How a channel behaves.
pub struct ClientOptions {
    /// Longest time to connect to one replica.
    pub connect_timeout: Duration,
    /// Longest time for any call; callers have shorter deadlines of their own.
    pub call_timeout: Duration,
    /// How often host names are looked up.
    pub resolve_interval: Duration,
    /// Told whether a replica serves.
    pub check: Option<Check>,
    /// Draws the delays of probes.
    pub random: Arc<dyn Random>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(30),
            resolve_interval: Duration::from_secs(5),
            check: None,
            random: Arc::new(SystemRandom),
        }
    }
}

impl std::fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("resolve_interval", &self.resolve_interval)
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

/// Changes of the set of replicas that wait for the channel. It takes them with its next call only; a set
/// that changes more often while nobody calls is brought up to date then.
const PENDING_CHANGES: usize = 256;

/// HTTP/2 keepalive of connections that carry calls, idle ones too. Probes notice sooner.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Windows of flow control, in bytes: with HTTP/2's 64 KiB a page of history would wait for round trips.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// A channel to `service` (a name for the log) at `urls`: one or several URLs such as `http://auth:9000`,
/// separated by commas; each host name stands for all the addresses that it resolves to.
///
/// The channel works at once; it connects, and looks names up, in the background of `life`.
///
/// # Errors
///
/// When a URL is malformed.
pub fn channel(
    service: &'static str,
    urls: &str,
    options: ClientOptions,
    life: &Lifecycle,
) -> Result<Channel, InvalidUrl> {
    let targets = Targets::parse(urls)?;
    let (channel, changes) = Channel::balance_channel(PENDING_CHANGES);
    let (resolved, replicas) = watch::channel(Vec::new());
    let again = Arc::new(Notify::new());
    // Reports are small and the balancer takes them at once; a probe waits when this many are queued.
    let (report, reports) = mpsc::channel(64);

    let tasks = life.tasks();
    let interval = options.resolve_interval;
    tasks.spawn_background("resolve", resolve::run(service, targets, interval, Arc::clone(&again), resolved));
    let balancer = Balancer::new(service, options, tasks.clone(), changes, report, again);
    tasks.spawn_background("balance", balancer.run(replicas, reports));
    Ok(channel)
}

/// An endpoint for calls, with what all connections have in common.
fn endpoint(replica: &resolve::Replica, options: &ClientOptions) -> Endpoint {
    Endpoint::from(replica.uri())
        .origin(replica.origin.clone())
        .connect_timeout(options.connect_timeout)
        .timeout(options.call_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}
