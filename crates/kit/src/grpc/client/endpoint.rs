//! What all connections that carry calls have in common.

use std::time::Duration;

use tonic::transport::Endpoint;

use super::{ClientOptions, resolve::Replica};
use crate::tls::Dial;

/// HTTP/2 keepalive of connections that carry calls, idle ones too. Probes notice sooner, and have no calls to lose.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection that carries calls is kept without a word from the other side. A network that drops packets tells
/// nobody, and TCP may be as late with its repetitions as the network was away; so a connection is usable again, or given
/// up, half of this after the network's return at the latest.
pub const SILENCE_MAX: Duration = KEEPALIVE_INTERVAL.saturating_add(KEEPALIVE_TIMEOUT);

const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Windows of flow control, in bytes: with HTTP/2's 64 KiB a page of history would wait for round trips.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// An endpoint for calls to a replica, with the certificate of the moment.
pub(super) fn endpoint(replica: &Replica, options: &ClientOptions, dial: Option<&Dial>) -> Endpoint {
    let endpoint = plain_endpoint(replica, options);
    let Some(dial) = dial else { return endpoint };
    dial.secure(endpoint.clone()).unwrap_or_else(|error| {
        // Its URL begins with https, so that it does not connect without TLS.
        tracing::error!(%error, "a certificate that was read cannot be used");
        endpoint
    })
}

fn plain_endpoint(replica: &Replica, options: &ClientOptions) -> Endpoint {
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
