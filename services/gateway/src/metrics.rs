//! What a gateway counts, one line a metric. Hot paths add to plain atomics, and the exporter reads them at a scrape.
//! What is only looked at stands in `crate::scrape`.

mod labels;

use madang_kit::metrics::{DURATION_BOUNDS_SECONDS, Durations, Metrics, Recorder, instruments};

pub(crate) use self::labels::{Admitted, FrameType, HandshakeRefusal, OfLimit, PlaceRefusal, TlsFailure};
use crate::outbox::Close;

instruments! {
    /// The gateway's counters.
    pub(crate) struct Counters {
        sessions: Gauge = "madang.gateway.sessions", "{socket}", "Sockets that are authenticated.";
        hubs: Gauge = "madang.gateway.hubs", "{topic}", "Topics that have a subscriber here, over all shards.";
        frames_in: CounterBy<FrameType> = "madang.gateway.frames.received", "{frame}", "Text frames of clients, by their type.";
        bytes_in: StripedCounter = "madang.gateway.received", "By", "Bytes of clients' text frames.";
        frames_out: StripedCounter = "madang.gateway.frames.sent", "{frame}", "Frames written to clients.";
        bytes_out: StripedCounter = "madang.gateway.sent", "By", "Bytes written to clients.";
        delivery: Histogram<Durations> = "madang.gateway.delivery.duration", "s", "Time from an event's commit to the end of its write to a socket, once for each socket.";
        presence_frames: Counter = "madang.gateway.presence.frames", "{frame}", "Presence frames queued for sockets.";
        appends: Counter = "madang.gateway.appends", "{message}", "Messages appended through this gateway.";
        repairs: Counter = "madang.gateway.repairs", "{gap}", "Gaps read from the store.";
        sweeps: Counter = "madang.gateway.sweeps", "{sweep}", "Comparisons of heads with the store.";
        closed: CounterBy<Close> = "madang.gateway.closed", "{socket}", "Sockets of users that closed, by the reason.";
        issuer_failures: Counter = "madang.gateway.issuer.failures", "{fetch}", "Fetches of the issuer's keys that failed.";
        site_users_asked: Counter = "madang.gateway.site_users.asked", "{user}", "Users of the site whom the auth service was asked for.";
        server_calls: Counter = "madang.gateway.server.calls", "{call}", "Calls of the server API.";
        admissions: CounterBy<Admitted> = "madang.gateway.admissions", "{socket}", "Sockets with a good credential: let in, at once or after a moment, or told to come back later.";
        admission_delay: Histogram<Durations> = "madang.gateway.admission.delay", "s", "Time from a socket's credential to its admission; for one that is told to come back, until then.";
        refused_connections: CounterBy<PlaceRefusal> = "madang.gateway.refused.connections", "{connection}", "Connections, and requests behind proxies, for which there was no place.";
        refused_handshakes: CounterBy<HandshakeRefusal> = "madang.gateway.refused.handshakes", "{handshake}", "Handshakes, and sockets without a session yet, that were refused.";
        failed_tls_handshakes: CounterBy<TlsFailure> = "madang.gateway.failed.tls_handshakes", "{handshake}", "Handshakes of TLS with clients that came to nothing, by the reason.";
        shared_budget_failures: Counter = "madang.gateway.shared_budgets.failures", "{call}", "Calls for a budget that gateways share to which the bus gave no answer in time: the gateway's own budget counted.";
        rate_limited: CounterBy<OfLimit> = "madang.gateway.rate_limited", "{request}", "Requests that were refused because a limit was reached.";
    }
}

/// What is recorded once a request.
#[derive(Debug, Clone)]
pub(crate) struct Recorders {
    /// Requests of sockets.
    pub(crate) commands: Recorder<2>,
    /// Requests by HTTP.
    pub(crate) http: Recorder<3>,
}

/// Bounds of the durations of requests by HTTP, in seconds: those that the convention advises
/// (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).
const HTTP_BOUNDS_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

impl Recorders {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            commands: metrics.recorder(
                "madang.gateway.command.duration",
                "s",
                "Time from the beginning of a socket's request to its answer in the queue.",
                ["command", "outcome"],
                &DURATION_BOUNDS_SECONDS,
            ),
            http: metrics.recorder(
                "http.server.request.duration",
                "s",
                "Time from a request's head to the head of its answer.",
                ["http.request.method", "http.route", "http.response.status_code"],
                &HTTP_BOUNDS_SECONDS,
            ),
        }
    }
}
