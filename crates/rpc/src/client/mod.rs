//! A service on the other side of a channel, as if it were here.

mod batch;
mod breaker;
mod call;
mod counters;
mod retry;

pub use batch::BatchSettings;
pub use breaker::BreakerSettings;
pub use call::CallSettings;
pub use counters::{ClientCounters, Outcome};
pub use retry::RetrySettings;

pub(crate) use batch::Batcher;
pub(crate) use call::Caller;

use bytes::Bytes;
use madang_domain::Error;
use tonic::{
    body::Body as RequestBody,
    client::GrpcService,
    codegen::{Body, StdError},
};

use crate::wire::DecodeError;

/// What carries calls: a [`tonic::transport::Channel`], or one with layers around it.
pub trait Transport:
    GrpcService<
        RequestBody,
        Error: Into<StdError>,
        Future: Send,
        ResponseBody: Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Transport for T where
    T: GrpcService<
            RequestBody,
            Error: Into<StdError>,
            Future: Send,
            ResponseBody: Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// An answer that breaks the contract is a defect of the service, and nothing that its caller could mend.
pub(crate) fn malformed(error: DecodeError) -> Error {
    Error::internal(error)
}
