//! The one set of error codes, for gRPC, HTTP and WebSocket alike.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Why something was refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is malformed; sending it again as it is cannot help.
    InvalidArgument,
    /// The credential is missing, wrong, expired or revoked.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// The state of the system does not allow it.
    FailedPrecondition,
    /// Too many requests; try again after the given time.
    RateLimited,
    /// The request is larger than the limit.
    TooLarge,
    /// It was not done in time. It may have been done all the same: repeat it with the same key.
    DeadlineExceeded,
    /// A part that is needed does not answer; try again.
    Unavailable,
    /// A defect of the server.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::FailedPrecondition,
        Self::RateLimited,
        Self::TooLarge,
        Self::DeadlineExceeded,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::FailedPrecondition => "failed_precondition",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that carries it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::FailedPrecondition => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with one field of a request (RFC 9457, section 3, by its example).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as a JSON pointer (RFC 6901) into the request's body.
    pub pointer: Cow<'static, str>,
    /// What is wrong with it: a sentence, or one whose subject is the field.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// Of a sentence that may begin with the field's name, which its reader sees beside it.
    pub fn of_sentence(pointer: impl Into<Cow<'static, str>>, sentence: &str) -> Self {
        let pointer = pointer.into();
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let detail = sentence.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(sentence);
        Self { detail: detail.to_owned().into(), pointer }
    }
}

/// A refusal or failure as the caller is told it: a code, a sentence for a developer, and when to try
/// again. The cause, where there is one, stays in this process for the log.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// The code.
    pub code: Code,
    /// A sentence that says what to do next. Never holds message text, tokens or internals.
    pub message: Cow<'static, str>,
    /// The fields of the request that are not as they should be, where it is about fields.
    pub fields: Vec<FieldError>,
    /// When to try again, where that helps.
    pub retry_after: Option<Duration>,
    /// The cause; it is logged and never leaves the process.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result with the domain's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of that code.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// The same, about one field, which the message is about. The field is named as a JSON pointer (RFC 6901).
    #[must_use]
    pub fn of_field(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.fields = vec![FieldError::of_sentence(pointer, &self.message)];
        self
    }

    /// The same, with its cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The same, with the time after which to try again.
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// When to try again, in milliseconds as the wire has it: rounded up, never too early.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after.map(|after| u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// A malformed request.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// A part that does not answer.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unavailable, message).retry_after(Duration::from_secs(1))
    }

    /// A defect; its cause is for the log alone.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "a defect of the server; it has been logged").caused_by(cause)
    }
}

impl Clone for Error {
    /// The clone goes to another waiter of the same work; the cause stays with the first, which logs it.
    fn clone(&self) -> Self {
        Self {
            code: self.code,
            message: self.message.clone(),
            fields: self.fields.clone(),
            retry_after: self.retry_after,
            source: None,
        }
    }
}
