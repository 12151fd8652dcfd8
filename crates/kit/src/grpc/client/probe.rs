//! The probe of one replica: a connection of its own that follows the health service.

use std::{io, sync::Arc, time::Duration};

use madang_flow_control::Backoff;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tonic::{Code, Status, Streaming, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use super::{caller::Caller, resolve::Replica};
use crate::{
    clock::{Random, fraction},
    lifecycle::with_causes,
};

/// HTTP/2 pings on the probe's connection: a replica that hangs, or whose machine is gone, is noticed
/// within their sum. A replica that is killed closes its connections, which is noticed at once.
const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest time for a connection and the answer of the health service.
const FIRST_WORD_TIMEOUT: Duration = Duration::from_secs(1);

/// Pauses between attempts to reach a replica that is gone. Half of each is drawn at random, so that the probes of many
/// clients do not arrive together.
const RECONNECT: Backoff = Backoff::equal_jitter(Duration::from_millis(50), Duration::from_secs(1));

/// How often a server without the health service is probed.
const NO_HEALTH_SERVICE_INTERVAL: Duration = Duration::from_secs(1);

/// What a peer that refuses this side's certificate leaves of it: HTTP/2 keeps the text of the error alone.
const ALERT: &str = "received fatal alert";

/// What a probe knows about its replica; better ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// It cannot be reached, or has not been yet.
    Unreachable,
    /// It answers, and says that it should not be called.
    NotServing,
    /// It serves.
    Serving,
}

/// A probe's state.
struct Probe {
    replica: Replica,
    endpoint: Endpoint,
    caller: Caller,
    report: mpsc::Sender<(Replica, Health)>,
    /// Why it failed the last time, which is told once.
    failed: Option<String>,
}

/// The balancer is gone, and with it the reason to probe.
struct Unwanted;

/// Reports the replica's health at each change, until the balancer is gone or ends it.
pub(super) async fn run(
    replica: Replica,
    endpoint: Endpoint,
    caller: Caller,
    random: Arc<dyn Random>,
    report: mpsc::Sender<(Replica, Health)>,
) {
    let endpoint = endpoint.http2_keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
    let mut probe = Probe { replica, endpoint, caller, report, failed: None };
    let mut pauses = RECONNECT.pauses();
    loop {
        let reached = match probe.follow().await {
            Ok(reached) => reached,
            Err(Unwanted) => return,
        };
        if reached {
            pauses.reset();
        }
        sleep(pauses.after_failure(fraction(&*random))).await;
    }
}

impl Probe {
    async fn tell(&self, health: Health) -> Result<(), Unwanted> {
        self.report.send((self.replica.clone(), health)).await.map_err(|_closed| Unwanted)
    }

    /// Connects, and tells each word of the health service until the connection ends. Answers whether
    /// there was a connection at all.
    async fn follow(&mut self) -> Result<bool, Unwanted> {
        let begun = match timeout(FIRST_WORD_TIMEOUT, self.begin()).await {
            Ok(begun) => begun,
            Err(_elapsed) => Err(Status::deadline_exceeded("the replica does not answer")),
        };
        let reached = match begun {
            Ok(mut words) => {
                self.failed = None;
                // No time limit: the pings are.
                while let Ok(Some(word)) = words.message().await {
                    self.tell(health_of(&word)).await?;
                }
                true
            }
            // A server without the health service serves for as long as it can be reached.
            Err(status) if status.code() == Code::Unimplemented => {
                self.tell(Health::Serving).await?;
                sleep(NO_HEALTH_SERVICE_INTERVAL).await;
                return Ok(true);
            }
            Err(status) => {
                self.failed(&status);
                false
            }
        };
        self.tell(Health::Unreachable).await?;
        Ok(reached)
    }

    /// Tells why the replica cannot be called, when that is new. That it is gone is usual; that either side refuses the
    /// other's certificate or secret is for an operator to mend.
    fn failed(&mut self, status: &Status) {
        let reason = with_causes(status);
        if self.failed.as_ref() == Some(&reason) {
            return;
        }
        let replica = self.replica.address;
        if status.code() == Code::PermissionDenied || is_of_tls(status) || reason.contains(ALERT) {
            tracing::warn!(%replica, %reason, "a replica cannot be called");
        } else {
            tracing::debug!(%replica, %reason, "a probe failed");
        }
        self.failed = Some(reason);
    }

    async fn begin(&self) -> Result<Streaming<HealthCheckResponse>, Status> {
        let channel = self.endpoint.connect().await.map_err(|error| Status::from_error(Box::new(error)))?;
        let mut client = HealthClient::with_interceptor(channel, self.caller.clone());
        let answer = client.watch(HealthCheckRequest::default()).await?;
        Ok(answer.into_inner())
    }
}

/// Whether a failure is one of TLS.
fn is_of_tls(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn health_of(word: &HealthCheckResponse) -> Health {
    match word.status() {
        ServingStatus::Serving => Health::Serving,
        ServingStatus::NotServing | ServingStatus::Unknown | ServingStatus::ServiceUnknown => {
            Health::NotServing
        }
    }
}
