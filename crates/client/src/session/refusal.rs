//! What a refusal says of trying again.

use std::time::Duration;

use madang_contract::ErrorFrame;
use madang_domain::Code;

/// A refusal that passes: the same request may succeed later.
pub(super) fn passes(code: Code) -> bool {
    match code {
        Code::RateLimited | Code::DeadlineExceeded | Code::Unavailable => true,
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::TooLarge
        | Code::Internal => false,
    }
}

/// When to try again, where the server says so.
pub(super) fn retry_after(error: &ErrorFrame<'_>) -> Option<Duration> {
    error.retry_after_ms.map(Duration::from_millis)
}
