//! What a gateway counts, one line a metric. Hot paths add to plain atomics, and the exporter reads them at a scrape.

use madang_kit::metrics::instruments;

instruments! {
    /// The gateway's counters.
    pub(crate) struct Counters {
        sessions: Gauge = "madang.gateway.sessions", "{socket}", "Sockets that are authenticated.";
        hubs: Gauge = "madang.gateway.hubs", "{topic}", "Topics that have a subscriber here, over all shards.";
        frames_in: Counter = "madang.gateway.frames.received", "{frame}", "Frames that clients sent.";
        frames_out: Counter = "madang.gateway.frames.sent", "{frame}", "Frames written to clients.";
        bytes_out: Counter = "madang.gateway.bytes.sent", "{byte}", "Bytes written to clients.";
        presence_frames: Counter = "madang.gateway.presence.frames", "{frame}", "Presence frames queued for sockets.";
        appends: Counter = "madang.gateway.appends", "{message}", "Messages appended through this gateway.";
        repairs: Counter = "madang.gateway.repairs", "{gap}", "Gaps read from the store.";
        sweeps: Counter = "madang.gateway.sweeps", "{sweep}", "Comparisons of heads with the store.";
        closed_slow: Counter = "madang.gateway.closed.slow", "{socket}", "Sockets closed as too slow.";
        closed_revoked: Counter = "madang.gateway.closed.revoked", "{socket}", "Sockets closed as revoked.";
        issuer_failures: Counter = "madang.gateway.issuer.failures", "{fetch}", "Fetches of the issuer's keys that failed.";
        site_users_asked: Counter = "madang.gateway.site_users.asked", "{user}", "Users of the site whom the auth service was asked for.";
        server_calls: Counter = "madang.gateway.server.calls", "{call}", "Calls of the server API.";
        admitted: Counter = "madang.gateway.admitted", "{socket}", "Sockets that were let in, at once or after a moment.";
        refused_connections: Counter = "madang.gateway.refused.connections", "{connection}", "Connections, and requests behind proxies, for which there was no place.";
        refused_handshakes: Counter = "madang.gateway.refused.handshakes", "{handshake}", "Handshakes refused because too many of the address had shown no good credential.";
        deferred: Counter = "madang.gateway.deferred", "{socket}", "Sockets that were told to come back later.";
    }
}
