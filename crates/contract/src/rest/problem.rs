//! Refusals.

use std::{borrow::Cow, fmt, time::Duration};

use madang_domain::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A refusal, as `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem<'a> {
    /// The kind of problem, as a URI reference: `about:blank`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// A short title that is the same for all problems of the code.
    pub title: Cow<'a, str>,
    /// The HTTP status.
    pub status: u16,
    /// What to do next, for a developer.
    pub detail: Cow<'a, str>,
    /// The code.
    pub code: Code,
    /// The fields of the body that are not as they should be, for a form to show; absent where it is about none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem<'a>>,
    /// After how many milliseconds to try again, where that helps; the header `Retry-After` has it in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What is wrong with one field of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldProblem<'a> {
    /// The field, as a JSON pointer (RFC 6901) into the body, such as `/attachments/0/url`.
    pub pointer: Cow<'a, str>,
    /// What is wrong with it, to be read behind the field's name.
    pub detail: Cow<'a, str>,
}

impl Problem<'_> {
    /// When to try again.
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
