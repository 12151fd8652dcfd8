//! What a gateway counts. Hot paths add to plain atomics; the exporter reads them when it is asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use madang_bus::{BusCounts, BusMetrics};
use madang_kit::metrics::Metrics;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The gateway's counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Sockets that are authenticated.
    pub(crate) sessions: Gauge,
    /// Hubs, over all shards.
    pub(crate) hubs: Gauge,
    /// Frames that clients sent.
    pub(crate) frames_in: Counter,
    /// Frames written to clients.
    pub(crate) frames_out: Counter,
    /// Bytes written to clients.
    pub(crate) bytes_out: Counter,
    /// `presence` frames queued for sockets.
    pub(crate) presence_frames: Counter,
    /// Messages appended through this gateway.
    pub(crate) appends: Counter,
    /// Gaps read from the store.
    pub(crate) repairs: Counter,
    /// Comparisons of heads with the store.
    pub(crate) sweeps: Counter,
    /// Sockets closed because their client reads too slowly.
    pub(crate) closed_slow: Counter,
    /// Sockets closed because their session was revoked.
    pub(crate) closed_revoked: Counter,
    /// Fetches of the embedding site's keys that failed.
    pub(crate) issuer_failures: Counter,
    /// Users of the embedding site of whom the auth service was told.
    pub(crate) site_users_asked: Counter,
    /// Calls of the server API that an API key was good for.
    pub(crate) server_calls: Counter,
    /// Sockets that were let in, at once or after a moment.
    pub(crate) admitted: Counter,
    /// Sockets that were told to come back later.
    pub(crate) deferred: Counter,
}

/// Tells the exporter where to look.
pub(crate) fn export(metrics: &Metrics, counters: &Arc<Counters>, bus: &Arc<BusMetrics>) {
    let meter = metrics.meter();
    type Read = fn(&Counters) -> u64;
    let counted: [(&'static str, &'static str, Read); 14] = [
        ("madang.gateway.frames.received", "Frames that clients sent.", |c| c.frames_in.get()),
        ("madang.gateway.frames.sent", "Frames written to clients.", |c| c.frames_out.get()),
        ("madang.gateway.bytes.sent", "Bytes written to clients.", |c| c.bytes_out.get()),
        ("madang.gateway.appends", "Messages appended through this gateway.", |c| c.appends.get()),
        ("madang.gateway.presence.frames", "Presence frames queued for sockets.", |c| {
            c.presence_frames.get()
        }),
        ("madang.gateway.repairs", "Gaps read from the store.", |c| c.repairs.get()),
        ("madang.gateway.sweeps", "Comparisons of heads with the store.", |c| c.sweeps.get()),
        ("madang.gateway.closed.slow", "Sockets closed as too slow.", |c| c.closed_slow.get()),
        ("madang.gateway.closed.revoked", "Sockets closed as revoked.", |c| c.closed_revoked.get()),
        ("madang.gateway.issuer.failures", "Fetches of the issuer's keys that failed.", |c| {
            c.issuer_failures.get()
        }),
        ("madang.gateway.site_users.asked", "Users of the site whom the auth service was asked for.", |c| {
            c.site_users_asked.get()
        }),
        ("madang.gateway.server.calls", "Calls of the server API.", |c| c.server_calls.get()),
        ("madang.gateway.admitted", "Sockets that were let in.", |c| c.admitted.get()),
        ("madang.gateway.deferred", "Sockets that were told to come back later.", |c| c.deferred.get()),
    ];
    for (name, description, read) in counted {
        let counters = Arc::clone(counters);
        meter
            .u64_observable_counter(name)
            .with_description(description)
            .with_callback(move |observer| observer.observe(read(&counters), &[]))
            .build();
    }
    let gauged: [(&'static str, &'static str, Read); 2] = [
        ("madang.gateway.sessions", "Sockets that are authenticated.", |c| c.sessions.get()),
        ("madang.gateway.hubs", "Topics that somebody listens to here.", |c| c.hubs.get()),
    ];
    for (name, description, read) in gauged {
        let counters = Arc::clone(counters);
        meter
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |observer| observer.observe(read(&counters), &[]))
            .build();
    }
    type ReadBus = fn(&BusCounts) -> u64;
    let carried: [(&'static str, &'static str, ReadBus); 10] = [
        ("madang.bus.published", "Entries handed to the bus.", |c| c.published),
        ("madang.bus.dropped", "Entries that the bus dropped.", |c| c.dropped),
        ("madang.bus.delivered", "Entries that other gateways sent here.", |c| c.delivered),
        ("madang.bus.script.calls", "Calls to Redis that published.", |c| c.script_calls),
        ("madang.bus.presence.calls", "Calls to Redis for presence.", |c| c.presence_calls),
        ("madang.bus.presence.changes", "Arrivals and departures told here.", |c| c.presence_changes),
        ("madang.bus.presence.dropped", "Arrivals beyond the bound.", |c| c.presence_dropped),
        ("madang.bus.resets", "Times that continuity may have been lost.", |c| c.resets),
        ("madang.bus.reader.rebuilds", "Readers that were deaf.", |c| c.reader_rebuilds),
        ("madang.bus.epoch.changes", "Times that another process served a shard's data.", |c| {
            c.epoch_changes
        }),
    ];
    for (name, description, read) in carried {
        let bus = Arc::clone(bus);
        meter
            .u64_observable_counter(name)
            .with_description(description)
            .with_callback(move |observer| observer.observe(read(&bus.snapshot()), &[]))
            .build();
    }
    let bus = Arc::clone(bus);
    meter
        .u64_observable_gauge("madang.bus.presence.pairs")
        .with_description("Pairs of room and user with sockets here.")
        .with_callback(move |observer| observer.observe(bus.snapshot().presence_pairs, &[]))
        .build();
}
