//! The one set of error codes, for gRPC, HTTP and WebSocket alike.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Limit;

/// The reason for which a request was refused or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is malformed. A retry without a correction fails again.
    InvalidArgument,
    /// The credential is missing, invalid, expired or revoked.
    Unauthenticated,
    /// The caller has no permission for the request.
    PermissionDenied,
    /// The requested object does not exist.
    NotFound,
    /// An object with this name exists already.
    AlreadyExists,
    /// The present state does not allow the request.
    FailedPrecondition,
    /// A limit was reached. Retry after the given time.
    RateLimited,
    /// The request is larger than the limit.
    TooLarge,
    /// The deadline passed. The request may have been executed: repeat it with the same key.
    DeadlineExceeded,
    /// A required service does not answer. Retry after the given time.
    Unavailable,
    /// The server has a defect.
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

    /// The name in JSON.
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

/// The error of one field of a request (RFC 9457, section 3, by its example).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as a JSON pointer (RFC 6901) into the request's body.
    pub pointer: Cow<'static, str>,
    /// The error: a sentence, or a phrase that continues the field's name.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// Makes the error of a sentence. A leading name of the field is removed, since the reader sees it beside the
    /// sentence.
    pub fn of_sentence(pointer: impl Into<Cow<'static, str>>, sentence: &str) -> Self {
        let pointer = pointer.into();
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let detail = sentence.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(sentence);
        Self { detail: detail.to_owned().into(), pointer }
    }
}

/// A refusal or failure as the caller sees it: a code, a sentence for developers, and the time to wait before a retry.
/// The cause stays in this process and goes to the log.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// The code.
    pub code: Code,
    /// A sentence that says what is wrong or what to do next. It contains no message text, token or internal detail.
    pub message: Cow<'static, str>,
    /// The invalid fields of the request; empty if the error is not about fields.
    pub fields: Vec<FieldError>,
    /// The time to wait before a retry; none if a retry does not help.
    pub retry_after: Option<Duration>,
    /// The limit that was reached, with the code `rate_limited`.
    pub limit: Option<Limit>,
    /// The cause; it is logged and never leaves the process.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result with the domain's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error with a code and a message.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
            limit: None,
            source: None,
        }
    }

    /// Adds the field that the message is about, named by a JSON pointer (RFC 6901).
    #[must_use]
    pub fn of_field(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.fields = vec![FieldError::of_sentence(pointer, &self.message)];
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// Adds the time to wait before a retry.
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The time to wait before a retry, in milliseconds, rounded up so that no retry is too early.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.retry_after.map(|after| u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// Makes the error of a malformed request.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Makes the error of a request beyond a limit, which allows it after a time.
    pub fn rate_limited(limit: Limit, after: Duration) -> Self {
        Self { limit: Some(limit), ..Self::new(Code::RateLimited, limit.message()).retry_after(after) }
    }

    /// Makes the error of a service that does not answer.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unavailable, message).retry_after(Duration::from_secs(1))
    }

    /// Makes the error of a defect. Only the log gets its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "a defect of the server; it has been logged").caused_by(cause)
    }
}

impl Clone for Error {
    /// Clones the error for another caller of the same work, without the cause, which the first caller logs.
    fn clone(&self) -> Self {
        Self {
            code: self.code,
            message: self.message.clone(),
            fields: self.fields.clone(),
            retry_after: self.retry_after,
            limit: self.limit,
            source: None,
        }
    }
}
