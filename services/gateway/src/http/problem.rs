//! Errors as HTTP has them: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use madang_contract::rest;
use madang_domain::{Code, Error, FieldError};

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    error: Error,
    status: Option<StatusCode>,
}

impl Problem {
    /// An error whose HTTP status is more exact than its code.
    pub(crate) const fn with_status(status: StatusCode, error: Error) -> Self {
        Self { error, status: Some(status) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error, status: None }
    }
}

impl From<madang_domain::TextError> for Problem {
    fn from(error: madang_domain::TextError) -> Self {
        Error::from(error).into()
    }
}

impl From<madang_domain::ParseIdError> for Problem {
    fn from(error: madang_domain::ParseIdError) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { error, status } = self;
        crate::log::failed_request(&error);
        let status = status
            .or_else(|| StatusCode::from_u16(error.code.http_status()).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = rest::Problem {
            kind: "about:blank".into(),
            title: title(error.code).into(),
            status: status.as_u16(),
            detail: error.message.as_ref().into(),
            code: error.code,
            errors: error.fields.iter().map(field).collect(),
            retry_after_ms: error.retry_after_ms(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = error.retry_after {
            // Whole seconds, rounded up: never earlier than the milliseconds say.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs() + 1));
        }
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read, so the connection ends: a client that knows does not use it again.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn field(FieldError { pointer, detail }: &FieldError) -> rest::FieldProblem<'_> {
    rest::FieldProblem { pointer: pointer.as_ref().into(), detail: detail.as_ref().into() }
}

const fn title(code: Code) -> &'static str {
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
