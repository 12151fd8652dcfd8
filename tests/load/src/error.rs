//! Why a run or a work could not be done, and how that is shown.

use std::io;

use crate::{
    fleet::FleetError,
    limits::TooFewFiles,
    measure::{peak::PeakError, process::ProcessError},
    rest_api::RestApiError,
    target::TargetError,
};

/// A run or a work that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The cluster is not there.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The machine does not allow the sockets.
    #[error(transparent)]
    Files(#[from] TooFewFiles),
    /// The set-up failed.
    #[error("the set-up failed")]
    RestApi(#[from] RestApiError),
    /// The clients failed.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A process ended in the middle.
    #[error("a process under load cannot be measured; has it ended?")]
    Process(#[from] ProcessError),
    /// The same, of memory.
    #[error("the processes' memory")]
    Peak(#[from] PeakError),
    /// The cluster of this run did not start or stop.
    #[error("the cluster")]
    Kit(#[from] madang_test_kit::Error),
    /// There is no message store to call.
    #[error("the cluster has no message store")]
    NoStore,
    /// The list of processes does not say how to connect to PostgreSQL.
    #[error("the cluster's PostgreSQL has no URL")]
    NoDatabaseUrl,
    /// A message store's address is none.
    #[error("a message store cannot be called")]
    Channel(#[from] tonic::transport::Error),
    /// There is no Redis to ask.
    #[error("the cluster has no Redis")]
    NoRedis,
    /// Redis does not say what it did.
    #[error("Redis does not tell its statistics")]
    Redis(#[from] redis::RedisError),
    /// A gateway does not say what it did.
    #[error("a gateway's metrics cannot be read")]
    Metrics(#[source] reqwest::Error),
    /// PostgreSQL fails the bare inserts.
    #[error("the bare inserts failed")]
    Database(#[from] sqlx::Error),
    /// A gateway's answer is outside the contract.
    #[error("the gateway gave an id or a name that is none")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bare server or an output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The report cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// An error and what caused it, in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::target::Target;

    #[test]
    fn an_error_is_shown_with_its_causes() {
        let error = Target::from_file(Path::new("/nonexistent/processes.json")).unwrap_err();
        let text = with_sources(&error);
        assert!(text.contains("is `make cluster` running?: No such file"), "{text}");
    }
}
