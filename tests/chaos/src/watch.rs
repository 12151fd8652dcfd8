//! The time of a run: microseconds since its start, by the monotonic clock. All that is remembered is stamped with it.

use std::time::Duration;

use tokio::time::Instant;

/// A moment of a run, in microseconds since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// So long after the start.
    #[must_use]
    pub fn after(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX))
    }

    /// How long after the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// How long after another moment; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The moment so much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::after(self.since_start() + duration)
    }
}

/// Stops the time of a run.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    started: Instant,
}

impl Watch {
    /// A watch that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::after(self.started.elapsed())
    }
}
