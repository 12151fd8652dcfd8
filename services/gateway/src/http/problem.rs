//! Errors as HTTP has them: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use madang_contract::rest;
use madang_domain::{Error, FieldError};

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    error: Error,
    status: Option<StatusCode>,
    /// What else the answer's head says.
    headers: &'static [(&'static str, &'static str)],
}

impl Problem {
    /// An error whose HTTP status is more exact than its code.
    pub(crate) const fn with_status(status: StatusCode, error: Error) -> Self {
        Self { error, status: Some(status), headers: &[] }
    }

    /// The same with more headers, whose names are in lower case.
    pub(crate) fn with_headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
            .or_else(|| StatusCode::from_u16(self.error.code.http_status()).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error, status: None, headers: &[] }
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
        let status = self.status();
        let Self { error, headers: more, .. } = self;
        crate::log::failed_request(&error);
        let body = rest::Problem {
            kind: "about:blank".into(),
            title: rest::Problem::title_of(error.code).into(),
            status: status.as_u16(),
            detail: error.message.as_ref().into(),
            code: error.code,
            errors: error.fields.iter().map(field).collect(),
            limit: error.limit.map(|limit| limit.as_str().into()),
            retry_after_ms: error.retry_after_ms(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in more {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some(limit) = error.limit {
            // For the one who counts; it does not leave.
            response.extensions_mut().insert(limit);
        }
        let headers = response.headers_mut();
        if let Some(after) = error.retry_after {
            // Whole seconds, rounded up: never earlier than the milliseconds say.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs() + 1));
        }
        if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
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
