//! A service behind gRPC: how its answers and errors leave the process.

use std::fmt::Write as _;

use madang_domain::{Code, Error, Result};
use tonic::{Response, Status};

use crate::{method::Method, wire::status::to_status};

/// Does the work of an RPC and answers with what came of it.
pub(crate) async fn answer<T>(
    method: &'static Method,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<Response<T>, Status> {
    match work.await {
        Ok(answer) => Ok(Response::new(answer)),
        Err(error) => {
            log(method, &error);
            Err(to_status(&error))
        }
    }
}

/// Logs an error that leaves the process. Refusals are the caller's matter; a failure of ours is logged
/// here, since its cause stays here.
fn log(method: &'static Method, error: &Error) {
    let method = method.rpc;
    match error.code {
        Code::Internal => tracing::error!(method, cause = %cause(error), "{}", error.message),
        Code::Unavailable | Code::DeadlineExceeded => {
            tracing::warn!(method, code = %error.code, cause = %cause(error), "{}", error.message);
        }
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => tracing::debug!(method, code = %error.code, "{}", error.message),
    }
}

/// Logs the failures of ours among the errors of one batch, each kind once: when a database is gone,
/// hundreds of appends fail for the one reason.
pub(crate) fn log_batch<T>(method: &'static Method, outcomes: &[Result<T>]) {
    for code in [Code::Internal, Code::Unavailable, Code::DeadlineExceeded] {
        let errors = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        let mut alike = errors.filter(|error| error.code == code);
        if let Some(first) = alike.next() {
            let items = 1 + alike.count();
            tracing::debug!(method = method.rpc, code = %code, items, "items of a batch failed alike");
            log(method, first);
        }
    }
}

/// The chain of causes in one line.
fn cause(error: &Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String does not fail.
        let _ = write!(text, "{separator}{error}");
        cause = error.source();
    }
    text
}
