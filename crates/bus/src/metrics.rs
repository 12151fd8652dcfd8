//! The counters of the bus.

use madang_counters::{Durations, instruments};

instruments! {
    /// What one gateway's end of the bus has done since it was connected.
    pub struct BusMetrics {
        published: Counter = "madang.bus.published", "{entry}", "Entries handed to the bus.";
        dropped: Counter = "madang.bus.dropped", "{entry}", "Entries that the bus dropped.";
        delivered: Counter = "madang.bus.delivered", "{entry}", "Entries that other gateways sent here.";
        stream_appends: Counter = "madang.bus.stream.appends", "{entry}", "Entries appended to the streams of other gateways.";
        script_calls: Counter = "madang.bus.script.calls", "{call}", "Calls to Redis that published.";
        publish: Histogram<Durations> = "madang.bus.publish.duration", "s", "Time from a call to Redis that publishes to its answer.";
        waiting_bytes: Gauge = "madang.bus.queue", "By", "Bytes of entries that wait for Redis or are on their way.";
        resets: Counter = "madang.bus.resets", "{reset}", "Times that continuity may have been lost.";
        reader_rebuilds: Counter = "madang.bus.reader.rebuilds", "{reader}", "Readers that were stalled and rebuilt.";
        reconnects: Counter = "madang.bus.reconnects", "{connection}", "Connections made again after a failure.";
        failed_connections: Counter = "madang.bus.failed_connections", "{connection}", "Tries to reach Redis that came to nothing.";
        epoch_changes: Counter = "madang.bus.epoch.changes", "{change}", "Times that another process served a shard's data.";
        subscriptions: Gauge = "madang.bus.subscriptions", "{topic}", "Topics to which this gateway wants to be subscribed.";
        budget_calls: Counter = "madang.bus.budget.calls", "{call}", "Calls to Redis that took from a shared budget.";
        presence_calls: Counter = "madang.bus.presence.calls", "{call}", "Calls to Redis for presence.";
        presence_changes: Counter = "madang.bus.presence.changes", "{change}", "Arrivals and departures notified here.";
        presence_dropped: Counter = "madang.bus.presence.dropped", "{arrival}", "Arrivals beyond the bound.";
        presence_pairs: Gauge = "madang.bus.presence.pairs", "{pair}", "Pairs of room and user with sockets here, or lately with some.";
    }
}
