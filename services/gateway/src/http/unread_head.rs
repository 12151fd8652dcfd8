//! The answer to a head that is no request, or too large a one.
//!
//! hyper answers these itself, with a status and nothing else, and no service hears of them. A client that reads problem
//! documents should get one for these as well, so the connection's stream says this in place of hyper's words.

use http::StatusCode;
use madang_contract::rest;
use madang_domain::Code;

/// The bytes of a request's head.
pub(super) const HEADER_MAX_BYTES: usize = 16 * 1024;
/// How hyper's answers begin, up to the status.
const STATUS_LINE: &[u8] = b"HTTP/1.1 ";

/// What is left to say, once there is something.
#[derive(Debug, Default)]
pub(super) struct UnreadHead {
    answer: Vec<u8>,
    written: usize,
}

impl UnreadHead {
    /// Takes the place of hyper's answer, unless it is none to a head.
    pub(super) fn begin(&mut self, of_hyper: &[u8]) -> bool {
        let status = of_hyper.strip_prefix(STATUS_LINE).and_then(|rest| rest.first_chunk::<3>());
        let Some(status) = status.and_then(|status| StatusCode::from_bytes(status).ok()) else {
            return false;
        };
        if status.is_client_error() {
            self.answer = answer(status);
        }
        self.is_begun()
    }

    pub(super) const fn is_begun(&self) -> bool {
        !self.answer.is_empty()
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.answer.get(self.written..).unwrap_or_default()
    }

    pub(super) const fn advance(&mut self, bytes: usize) {
        self.written += bytes;
    }
}

fn answer(status: StatusCode) -> Vec<u8> {
    let (code, detail) = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => {
            (Code::TooLarge, format!("the head of the request is larger than {HEADER_MAX_BYTES} bytes"))
        }
        _ => (Code::InvalidArgument, "the head of the request cannot be read".to_owned()),
    };
    let problem = rest::Problem {
        kind: "about:blank".into(),
        title: rest::Problem::title_of(code).into(),
        status: status.as_u16(),
        detail: detail.into(),
        code,
        errors: Vec::new(),
        limit: None,
        retry_after_ms: None,
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let (reason, length) = (status.canonical_reason().unwrap_or_default(), body.len());
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}",
        status.as_u16()
    )
    .into_bytes()
}
