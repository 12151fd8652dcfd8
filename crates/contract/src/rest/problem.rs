//! Problem documents, the bodies of refusals.

use std::{borrow::Cow, fmt, time::Duration};

use madang_domain::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of a refusal: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem<'a> {
    /// The type of the problem, a URI reference: always `about:blank`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// A short title. All problems of a code have the same.
    pub title: Cow<'a, str>,
    /// The HTTP status code.
    pub status: u16,
    /// A sentence for developers, which says what is wrong or what to do next.
    pub detail: Cow<'a, str>,
    /// The error code.
    pub code: Code,
    /// The invalid fields of the body, at most 8, for a form to show; absent if the refusal is not about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem<'a>>,
    /// The name of the limit that was reached; present with `rate_limited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cow<'a, str>>,
    /// The number of milliseconds to wait before a retry; absent if a retry does not help. The header `Retry-After`
    /// has it in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The error of one field of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem<'a> {
    /// The field: a JSON pointer (RFC 6901) into the body, such as `/attachments/0/url`.
    pub pointer: Cow<'a, str>,
    /// The error, a phrase that continues the field's name, such as `must have a visible character`.
    pub detail: Cow<'a, str>,
}

impl Problem<'_> {
    /// The title of all problems of a code.
    #[must_use]
    pub const fn title_of(code: Code) -> &'static str {
        match code {
            Code::InvalidArgument => "Invalid request",
            Code::Unauthenticated => "Not signed in",
            Code::PermissionDenied => "Not permitted",
            Code::NotFound => "Not found",
            Code::AlreadyExists => "Already exists",
            Code::FailedPrecondition => "Not possible now",
            Code::RateLimited => "Too many requests",
            Code::TooLarge => "Too large",
            Code::DeadlineExceeded => "Not done in time",
            Code::Unavailable => "Unavailable",
            Code::Internal => "Internal error",
        }
    }

    /// The time to wait before a retry; none if a retry does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)
    }
}
