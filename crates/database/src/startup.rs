//! The wait for a database that does not answer yet.

use std::{error::Error, time::Duration};

use madang_flow_control::Backoff;
use madang_kit::{Check, Host, StartError, clock::fraction, lifecycle::with_causes};

use crate::DatabaseError;

/// The pauses between attempts.
const PAUSES: Backoff = Backoff::full_jitter(Duration::from_millis(500), Duration::from_secs(8));

/// The setting that names the database.
const DATABASE_URL: &str = "MADANG_DATABASE_URL";

/// Why an attempt failed.
#[derive(Debug)]
pub enum Attempt {
    /// Waiting may help.
    Again(Box<dyn Error + Send + Sync>),
    /// It does not.
    Failed(Box<dyn Error + Send + Sync>),
}

impl From<DatabaseError> for Attempt {
    fn from(error: DatabaseError) -> Self {
        if error.is_transient() { Self::Again(error.into()) } else { Self::Failed(error.into()) }
    }
}

/// Tries until `what` (such as "the accounts' database") answers. The readiness check says meanwhile that it is waited
/// for.
///
/// # Errors
/// When an attempt fails for good, or the host stops meanwhile.
pub async fn until_open<T, E, A>(
    what: &'static str,
    host: &Host,
    check: &Check,
    attempt: impl Fn() -> A,
) -> Result<T, StartError>
where
    A: Future<Output = Result<T, E>>,
    E: Into<Attempt>,
{
    let mut pauses = PAUSES.pauses();
    loop {
        let error = match attempt().await.map_err(Into::into) {
            Ok(value) => return Ok(value),
            Err(Attempt::Failed(error)) => return Err(StartError::dependency(what, error)),
            Err(Attempt::Again(error)) => error,
        };
        check.failing(format!("cannot reach {what}"));
        let pause = pauses.after_failure(fraction(&*host.random));
        tracing::warn!(
            error = %with_causes(&*error),
            retry_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "cannot reach {what}, which {DATABASE_URL} names; trying again"
        );
        tokio::select! {
            biased;
            () = host.lifecycle.soft().cancelled() => return Err(StartError::dependency(what, error)),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
