//! The machine-readable documents of the contract: OpenAPI for the REST API, AsyncAPI for the WebSocket.
//!
//! Both are generated from the types of this crate, from their serde attributes and from their doc comments. So a
//! public item's comment is a sentence for the contract's readers. `docs/` has copies; a test fails if a copy is
//! stale.

mod asyncapi;
mod definitions;
mod openapi;
mod samples;

use madang_domain::Code;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

/// The meaning of a code for a caller.
const fn meaning(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "The request is malformed, or a value is out of bounds. Correct it.",
        Code::Unauthenticated => "The credential is missing, invalid, expired or revoked. Get another one.",
        Code::PermissionDenied => "The user, or the API key, has no permission for this request.",
        Code::NotFound => "The requested object does not exist.",
        Code::AlreadyExists => "The name or slug is taken. Choose another one.",
        Code::FailedPrecondition => "The present state does not allow the request. Change the state first.",
        Code::RateLimited => "A rate limit, which `limit` names, was reached. Retry after `retry_after_ms`.",
        Code::TooLarge => "The request is larger than the limit. Send less.",
        Code::DeadlineExceeded => {
            "The deadline passed. The request may have been executed. Repeat it with the same key."
        }
        Code::Unavailable => "A required service does not answer. Retry after `retry_after_ms`.",
        Code::Internal => "The server has a defect, which it has logged. Report it.",
    }
}
