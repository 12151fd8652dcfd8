//! What a client counts of its calls.

use madang_counters::{Durations, Label, instruments};

/// How a try of a call ended.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    /// The service did what was asked.
    Ok,
    /// It answered with an error.
    Refused,
    /// It did not answer in time.
    TimedOut,
    /// It was not reached.
    Unreachable,
    /// It was not asked: the breaker is open.
    BreakerOpen,
}

impl Label for Outcome {
    const NAME: &'static str = "outcome";
    const VALUES: &'static [&'static str] = &["ok", "refused", "timed_out", "unreachable", "breaker_open"];

    fn index(self) -> usize {
        self as usize
    }
}

instruments! {
    /// What a client counts of its calls, all methods together.
    pub struct ClientCounters {
        tries: CounterBy<Outcome> = "madang.rpc.client.tries", "{try}", "Tries of calls, by how they ended.";
        retries: Counter = "madang.rpc.client.retries", "{try}", "Tries after a first one of the same call.";
        duration: Histogram<Durations> = "madang.rpc.client.try.duration", "s", "Time of a try of a call, answered or not.";
        breaker_open: Gauge = "madang.rpc.client.breaker.open", "", "1 while calls fail at once since the service has not answered, else 0.";
    }
}
