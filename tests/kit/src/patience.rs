//! Waiting, with a deadline and a name.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// How long anything may take that should happen soon, by unoptimised binaries on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at what can only be looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Awaits something that has to happen in time.
///
/// # Panics
/// When it does not; the message names it.
pub async fn within<F: Future>(deadline: Duration, awaited: &str, future: F) -> F::Output {
    match tokio::time::timeout(deadline, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {deadline:?} in vain: {awaited}"),
    }
}

/// Looks again and again until there is something to see: for what tells nobody that it has happened.
///
/// # Panics
/// When there is nothing in time.
pub async fn eventually<T>(deadline: Duration, awaited: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + deadline;
    loop {
        let seen = within(deadline, awaited, look()).await;
        if let Some(seen) = seen {
            return seen;
        }
        assert!(Instant::now() < until, "looked for {deadline:?} in vain: {awaited}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
