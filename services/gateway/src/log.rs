//! How a failed request is logged.

use madang_domain::{Code, Error};
use tracing::{debug, warn};

/// Logs a failure once, where it is answered. A client's mistakes are of little interest, so they are logged at `debug`.
pub(crate) fn failed_request(error: &Error) {
    match error.code {
        Code::Internal => {
            warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "request failed");
        }
        Code::Unavailable | Code::DeadlineExceeded => debug!(%error, "request failed"),
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => debug!(%error, "request refused"),
    }
}
