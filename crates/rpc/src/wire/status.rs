//! The domain's errors as gRPC statuses and back.
//!
//! The code of the public contract travels word for word in the metadata `madang-code`, and the time
//! after which to try again in `madang-retry-after-ms`; the gRPC code beside it is for tools that know
//! gRPC alone. A status without that metadata was made by no service of ours, but by the transport: the
//! connection broke, a deadline passed, a proxy answered.

use std::time::Duration;

use madang_domain::{Code, Error, Limit};
use madang_proto::store::v1::Failure;
use tonic::{ConnectError, Status, TimeoutExpired, metadata::MetadataValue};

/// The metadata key of the domain's code.
pub const CODE_KEY: &str = "madang-code";
/// The metadata key of the time after which to try again, in milliseconds.
pub const RETRY_AFTER_KEY: &str = "madang-retry-after-ms";
/// The metadata key of the name of the limit that was reached.
pub const LIMIT_KEY: &str = "madang-limit";

/// The metadata key of the field that the error is about, as a JSON pointer. What is wrong with it is the message.
pub const FIELD_KEY: &str = "madang-field";

/// The gRPC code nearest to a code of the domain.
#[must_use]
pub const fn grpc_code(code: Code) -> tonic::Code {
    match code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::Unauthenticated => tonic::Code::Unauthenticated,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::RateLimited => tonic::Code::ResourceExhausted,
        Code::TooLarge => tonic::Code::OutOfRange,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Internal => tonic::Code::Internal,
    }
}

/// An error for the wire: its code, its message and when to try again. The cause stays here.
#[must_use]
pub fn to_status(error: &Error) -> Status {
    let mut status = Status::new(grpc_code(error.code), error.message.as_ref());
    let metadata = status.metadata_mut();
    metadata.insert(CODE_KEY, MetadataValue::from_static(error.code.as_str()));
    if let Some(after_ms) = error.retry_after_ms() {
        metadata.insert(RETRY_AFTER_KEY, MetadataValue::from(after_ms));
    }
    if let Some(limit) = error.limit {
        metadata.insert(LIMIT_KEY, MetadataValue::from_static(limit.as_str()));
    }
    // The services refuse one field at a time, and name it in ASCII.
    if let Some(field) = error.fields.first().and_then(|field| MetadataValue::try_from(&*field.pointer).ok())
    {
        metadata.insert(FIELD_KEY, field);
    }
    status
}

/// The error that a status from the wire, or from the transport, stands for.
#[must_use]
pub fn from_status(status: Status) -> Error {
    classify(status).into_error()
}

/// Whether a service does not have the method that was called: it is of a version before it.
#[must_use]
pub fn is_unknown_method(error: &Error) -> bool {
    let status = error.source.as_ref().and_then(|source| source.downcast_ref::<Status>());
    status.is_some_and(|status| status.code() == tonic::Code::Unimplemented)
}

/// How a call failed, which decides whether to repeat it.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The service answered so.
    Answered(Error),
    /// It was not done in time; who knows how far it came.
    TimedOut(Error),
    /// The service has not begun with it: it was not sent, or the service has refused its stream.
    NotBegun(Error),
    /// The service's answer did not arrive; who knows whether the request did.
    Transport(Error),
}

impl Failed {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Answered(error)
            | Self::TimedOut(error)
            | Self::NotBegun(error)
            | Self::Transport(error) => error,
        }
    }

    /// The deadline of this process passed first.
    pub(crate) fn timed_out() -> Self {
        Self::TimedOut(deadline_exceeded())
    }
}

fn deadline_exceeded() -> Error {
    Error::new(Code::DeadlineExceeded, "a required service did not answer in time")
}

pub(crate) fn classify(status: Status) -> Failed {
    match answered(&status) {
        Some(error) => Failed::Answered(error),
        None => classify_transport(status),
    }
}

/// The error that a service of ours sent.
fn answered(status: &Status) -> Option<Error> {
    let text = |key| status.metadata().get(key).and_then(|value| value.to_str().ok());
    let code = parse_code(text(CODE_KEY)?)?;
    let retry_after = text(RETRY_AFTER_KEY).and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
    let limit = text(LIMIT_KEY).and_then(Limit::of_name);
    let error = Error { retry_after, limit, ..Error::new(code, status.message().to_owned()) };
    Some(match text(FIELD_KEY) {
        Some(pointer) => error.of_field(pointer.to_owned()),
        None => error,
    })
}

fn parse_code(text: &str) -> Option<Code> {
    Code::ALL.into_iter().find(|code| code.as_str() == text)
}

/// A status of the transport's own making. A status that the transport derives from an error has that
/// error as its source; one that came over the wire has none.
fn classify_transport(status: Status) -> Failed {
    let local = std::error::Error::source(&status).is_some();
    match status.code() {
        // A refused connection, a closed one, a stream without its end, a peer that sheds load.
        tonic::Code::Unavailable
        | tonic::Code::Unknown
        | tonic::Code::Aborted
        | tonic::Code::ResourceExhausted => transport(status),
        // HTTP/2 resets count as internal by gRPC's table; so does an answer that is no protobuf.
        tonic::Code::Internal if local => transport(status),
        // The timer of this channel or of the peer's server; or a connection that broke with requests
        // still waiting on it.
        tonic::Code::Cancelled if local && !is_timeout(&status) => transport(status),
        tonic::Code::Cancelled | tonic::Code::DeadlineExceeded => {
            Failed::TimedOut(deadline_exceeded().caused_by(status))
        }
        // Nothing that we wrote says these without the domain's code.
        tonic::Code::Ok
        | tonic::Code::InvalidArgument
        | tonic::Code::NotFound
        | tonic::Code::AlreadyExists
        | tonic::Code::PermissionDenied
        | tonic::Code::FailedPrecondition
        | tonic::Code::OutOfRange
        | tonic::Code::Unimplemented
        | tonic::Code::Internal
        | tonic::Code::DataLoss
        | tonic::Code::Unauthenticated => Failed::Answered(Error::internal(status)),
    }
}

fn transport(status: Status) -> Failed {
    let kind = if has_not_begun(&status) { Failed::NotBegun } else { Failed::Transport };
    kind(Error::unavailable("a required service does not answer; try again").caused_by(status))
}

fn is_timeout(status: &Status) -> bool {
    causes(status).any(<dyn std::error::Error>::is::<TimeoutExpired>)
}

/// Whether the service cannot have begun with a request. A connection that reaches its maximum age makes such failures.
fn has_not_begun(status: &Status) -> bool {
    causes(status).any(|error| {
        // There was no connection, or it ended while the request waited for its turn on it.
        error.is::<ConnectError>()
            || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
            || error.downcast_ref::<h2::Error>().is_some_and(is_unprocessed)
    })
}

/// Whether the server says that it has not processed the stream: it has a higher number than the last that a GOAWAY names
/// (RFC 9113, section 6.8), or it was refused (section 8.7).
fn is_unprocessed(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (error.is_go_away() || is_refused)
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(status), |error| error.source())
}

/// The failure of one item of a batch.
pub(crate) fn to_failure(error: &Error) -> Failure {
    Failure {
        code: error.code.as_str().to_owned(),
        message: error.message.clone().into_owned(),
        // 0 is "none" on the wire, so what is less than a millisecond becomes one.
        retry_after_ms: error.retry_after_ms().map_or(0, |ms| ms.max(1)),
        limit: error.limit.map_or_else(String::new, |limit| limit.as_str().to_owned()),
    }
}

/// The error of one item of a batch. An unknown code is of a later version, and our defect.
pub(crate) fn from_failure(failure: Failure) -> Error {
    let Some(code) = parse_code(&failure.code) else {
        return Error::internal(format!("the unknown code {:?} in a batch's outcome", failure.code));
    };
    let retry_after = Some(failure.retry_after_ms).filter(|ms| *ms > 0).map(Duration::from_millis);
    let limit = Limit::of_name(&failure.limit);
    Error { retry_after, limit, ..Error::new(code, failure.message) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn error(code: Code) -> Error {
        Error::new(code, "방이 없습니다: \"x\"").retry_after(Duration::from_millis(1_500))
    }

    fn same(left: &Error, right: &Error) {
        assert_eq!(
            (left.code, &left.message, left.retry_after, left.limit),
            (right.code, &right.message, right.retry_after, right.limit)
        );
    }

    #[test]
    fn an_error_keeps_code_message_and_retry_time() {
        for code in Code::ALL {
            let error = Error { limit: Some(Limit::RoomSends), ..error(code) };
            same(&from_status(to_status(&error)), &error);
            same(&from_failure(to_failure(&error)), &error);
        }
    }

    #[test]
    fn an_error_keeps_the_field_that_it_is_about() {
        let error = Error::invalid("password must have at least 8 characters").of_field("/password");
        let told = from_status(to_status(&error));
        assert_eq!(told.fields, error.fields);
        assert_eq!(told.fields[0].detail, "must have at least 8 characters");
        assert!(from_status(to_status(&Error::invalid("x"))).fields.is_empty());
    }

    #[test]
    fn a_cause_never_leaves_the_process() {
        let status = to_status(&Error::internal("password=hunter2"));
        assert!(!format!("{status:?}").contains("hunter2"));
    }

    #[test]
    fn a_status_of_the_transport_is_told_apart() {
        let broken = |code| {
            let mut status = Status::new(code, "x");
            status.set_source(Arc::new(std::io::Error::other("broken")));
            status
        };
        for status in [
            Status::unavailable("x"),
            Status::unknown("x"),
            broken(tonic::Code::Internal),
            broken(tonic::Code::Cancelled),
        ] {
            let failed = classify(status);
            assert!(matches!(&failed, Failed::Transport(e) if e.code == Code::Unavailable), "{failed:?}");
        }
        for status in [Status::cancelled("Timeout expired"), Status::deadline_exceeded("x")] {
            let failed = classify(status);
            assert!(matches!(&failed, Failed::TimedOut(e) if e.code == Code::DeadlineExceeded), "{failed:?}");
        }
        for status in [Status::internal("x"), Status::unimplemented("x"), Status::permission_denied("x")] {
            let failed = classify(status);
            assert!(matches!(&failed, Failed::Answered(e) if e.code == Code::Internal), "{failed:?}");
        }
    }

    #[test]
    fn a_method_that_is_not_there_is_told_from_a_defect() {
        assert!(is_unknown_method(&from_status(Status::unimplemented("x"))));
        for status in [Status::internal("x"), Status::unavailable("x"), Status::deadline_exceeded("x")] {
            assert!(!is_unknown_method(&from_status(status)));
        }
        assert!(!is_unknown_method(&Error::internal("x")));
    }

    #[test]
    fn a_service_that_is_unavailable_has_answered() {
        let status = to_status(&Error::unavailable("the database does not answer"));
        assert!(matches!(classify(status), Failed::Answered(_)));
    }

    #[test]
    fn an_unknown_code_falls_back_to_the_code_of_grpc() {
        let mut status = Status::unavailable("x");
        status.metadata_mut().insert(CODE_KEY, MetadataValue::from_static("from_the_future"));
        assert!(matches!(classify(status), Failed::Transport(_)));
    }
}
