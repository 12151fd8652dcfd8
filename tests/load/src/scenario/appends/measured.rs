//! What the store's appends and the bare inserts have in common: the same load, the same figures.

use std::time::Duration;

use crate::{
    measure::{histogram::Histogram, meter::CpuTimes},
    target::Part,
};

/// Each waits for its append before the next: a closed loop, for it asks what the store can take.
pub(super) const CALLERS: usize = 256;
const TEXT_BYTES: usize = 128;
pub(super) const MS_PER_SECOND: f64 = 1_000.0;

/// What was made durable within the window, and what it took.
pub(super) struct Measured {
    pub(super) rows: u64,
    pub(super) latency: Histogram,
    pub(super) refused: u64,
    pub(super) window: Duration,
    pub(super) cpu: CpuTimes,
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
impl Measured {
    pub(super) fn per_second(&self) -> f64 {
        self.rows as f64 / self.window.as_secs_f64()
    }

    pub(super) fn per_cpu_second(&self, part: Part) -> f64 {
        self.rows as f64 / self.cpu.seconds(&[part])
    }

    pub(super) fn cpu_ms(&self, part: Part) -> f64 {
        self.cpu.seconds(&[part]) * MS_PER_SECOND / self.rows as f64
    }

    pub(super) fn percent_of_core(&self, seconds: f64) -> f64 {
        100.0 * seconds / self.window.as_secs_f64()
    }
}

/// The text of every message.
pub(super) fn text() -> String {
    "x".repeat(TEXT_BYTES)
}
