//! The answers to requests.

use madang_contract::{self as frames, Answer, FrameError, OkFrame, RequestId, ServerFrame};
use madang_domain::{Code, Error};

use crate::{metrics::OfLimit, session::SessionContext};

/// Answers `ok`.
pub(super) fn ok(session: &SessionContext, re: Option<RequestId>, answer: Answer<'_>) {
    session.push(&ServerFrame::Ok(OkFrame { re, answer }));
}

/// The answer to a frame that is no request.
pub(crate) fn malformed(FrameError { id, message }: FrameError) -> frames::ErrorFrame<'static> {
    frames::ErrorFrame {
        re: id,
        code: Code::InvalidArgument,
        message: message.into(),
        limit: None,
        retry_after_ms: None,
    }
}

/// Tells the client that a request was refused.
pub(super) fn refused(session: &SessionContext, re: Option<RequestId>, error: &Error) {
    if let Some(limit) = error.limit {
        session.sockets.counters.rate_limited.add(OfLimit(limit), 1);
    }
    session.push(&ServerFrame::Error(frames::ErrorFrame {
        re,
        code: error.code,
        message: error.message.as_ref().into(),
        limit: error.limit.map(|limit| limit.as_str().into()),
        retry_after_ms: error.retry_after_ms(),
    }));
}
