//! How long is waited for a client that is to send or to take bytes.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// The rate below which a client uses up the patience with it: what the slowest mobile networks do many times over.
const BYTES_PER_SECOND: u32 = 1_024;

/// A time that is used up while the client is waited for, and grows with each byte that it moves: to its maximum, and no
/// faster than the least rate that is put up with. So a client that stands still is given up after the maximum, and one
/// that moves a byte now and then not much later.
#[derive(Debug)]
pub struct Patience {
    max: Duration,
    left: Duration,
    waiting: Option<Waiting>,
}

/// A wait that has begun. The timer exists only while there is one: most clients are never waited for.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl Patience {
    /// A client that may stand still for so long.
    #[must_use]
    pub const fn new(max: Duration) -> Self {
        Self { max, left: max, waiting: None }
    }

    /// The client is waited for; ready when that has taken too long.
    pub fn poll_exhausted(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Waiting { since, end: Box::pin(sleep_until(since + left)) }
        });
        waiting.end.as_mut().poll(context)
    }

    /// The client has moved some bytes, and is not waited for any more.
    pub fn moved(&mut self, bytes: usize) {
        if let Some(Waiting { since, end: _ }) = self.waiting.take() {
            let earned = Duration::from_secs_f64(bytes as f64 / f64::from(BYTES_PER_SECOND));
            self.left = self.left.saturating_sub(since.elapsed()).saturating_add(earned).min(self.max);
        }
    }
}
