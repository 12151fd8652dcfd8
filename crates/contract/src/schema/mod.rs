//! The documents that describe the contract to other programs: OpenAPI for REST, AsyncAPI for the WebSocket.
//!
//! Both are made from the types of this crate: by the serde attributes with which they are read and written, and by
//! their doc comments. The copies in `docs/` are for readers and diffs; a test fails where they are stale.

mod asyncapi;
mod definitions;
mod openapi;
mod samples;

use madang_domain::Code;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

/// What a code means to a caller.
const fn meaning(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "The request is malformed, or a value is out of bounds: correct it.",
        Code::Unauthenticated => "The credential is missing, wrong, expired or revoked: get another one.",
        Code::PermissionDenied => "This user, or this API key, may not do it.",
        Code::NotFound => "There is no such thing.",
        Code::AlreadyExists => "Another one has the name or slug: choose another.",
        Code::FailedPrecondition => "The present state does not allow it: change that first.",
        Code::RateLimited => "Too many requests: try again after `retry_after_ms`.",
        Code::TooLarge => "The request is larger than the limit: send less.",
        Code::DeadlineExceeded => {
            "It was not done in time, or it was done all the same: repeat it with the same key."
        }
        Code::Unavailable => "A part that is needed does not answer: try again after `retry_after_ms`.",
        Code::Internal => "A defect of the server, which has logged it.",
    }
}
