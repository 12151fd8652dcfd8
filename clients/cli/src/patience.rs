//! What passes is tried again: a server that restarts, a limit that is reached.

use std::time::Duration;

use madang_client::{Backoff, Error as ApiError};
use madang_domain::Code;
use tokio::time::{Instant, sleep};

/// How long a call is repeated.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pauses between tries where the server names none.
const PAUSES: Backoff = Backoff::full_jitter(Duration::from_millis(200), Duration::from_secs(5));

/// Repeats a call that may be repeated: one that reads, or that has a key.
///
/// # Errors
/// The last error, when it does not pass, or not in time.
pub(crate) async fn patiently<T>(call: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let until = Instant::now() + PATIENCE;
    let mut pauses = PAUSES.pauses();
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let named = match &error {
            ApiError::Transport(_) => None,
            ApiError::Problem(problem) => match problem.code {
                Code::Unavailable | Code::RateLimited | Code::DeadlineExceeded => problem.retry_after(),
                _ => return Err(error),
            },
            ApiError::Contract { .. } | ApiError::Base(_) => return Err(error),
        };
        // One program alone: where it stands in the pause does not matter.
        let pause = named.unwrap_or_else(|| pauses.after_failure(0.5));
        if Instant::now() + pause > until {
            return Err(error);
        }
        sleep(pause).await;
    }
}
