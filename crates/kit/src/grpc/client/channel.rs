//! A channel and the tasks behind it.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tonic::{service::interceptor::InterceptedService, transport::Channel};

use super::{
    Caller, ClientOptions, InvalidUrl, ServiceChannel,
    balance::Balancer,
    resolve::{self, Targets},
};
use crate::Lifecycle;

/// Changes of the set of replicas that wait for the channel. It takes them with its next call only; a set
/// that changes more often while nobody calls is brought up to date then.
const PENDING_CHANGES: usize = 256;

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
) -> Result<ServiceChannel, InvalidUrl> {
    let targets = Targets::parse(urls, options.tls.is_some())?;
    let caller = Caller::new(options.secret.as_ref());
    let (channel, changes) = Channel::balance_channel(PENDING_CHANGES);
    let (resolved, replicas) = watch::channel(Vec::new());
    let again = Arc::new(Notify::new());
    // Reports are small and the balancer takes them at once; a probe waits when this many are queued.
    let (report, reports) = mpsc::channel(64);

    let tasks = life.tasks();
    let interval = options.resolve_interval;
    tasks.spawn_background("resolve", resolve::run(service, targets, interval, Arc::clone(&again), resolved));
    let balancer = Balancer::new(service, options, caller.clone(), tasks.clone(), changes, report, again);
    tasks.spawn_background("balance", balancer.run(replicas, reports));
    Ok(InterceptedService::new(channel, caller))
}
