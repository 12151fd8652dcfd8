//! Which requests are worth another try.

use madang_client::Error as ApiError;
use madang_domain::Code;

/// Whether the same request may succeed later.
pub(super) fn passes(error: &ApiError) -> bool {
    match error {
        ApiError::Transport(_) => true,
        ApiError::Problem(problem) => {
            matches!(problem.code, Code::Unavailable | Code::DeadlineExceeded | Code::RateLimited)
        }
        ApiError::Contract { .. } | ApiError::Base(_) => false,
    }
}
