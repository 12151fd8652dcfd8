//! A service on the other side of a channel, as if it were here.

mod auth;
mod store;

pub use auth::AuthClient;
pub use store::{MessageStoreClient, MessageStoreSettings};

use bytes::Bytes;
use madang_domain::Error;
use tonic::{
    body::Body as RequestBody,
    client::GrpcService,
    codegen::{Body, StdError},
};

use super::convert::DecodeError;

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
fn malformed(error: DecodeError) -> Error {
    Error::internal(error)
}

/// Calls a method of the generated client: `rpc!(self.login(LOGIN, request))`. The request is an
/// expression that is evaluated at each try.
macro_rules! rpc {
    ($self:ident.$rpc:ident($method:expr, $request:expr)) => {{
        let deadline = $self.caller.deadline(&$method);
        let send = |request| {
            let mut rpc = $self.rpc.clone();
            async move { rpc.$rpc(request).await }
        };
        $self.caller.call(&$method, deadline, || $request, send).await
    }};
}
use rpc;
