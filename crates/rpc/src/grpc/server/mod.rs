//! A service behind gRPC.

mod auth;
mod store;

use std::{fmt::Write as _, sync::Arc};

use madang_domain::{Code, Error, Result};
use madang_proto::{
    auth::v1::auth_service_server::{AuthService, AuthServiceServer},
    store::v1::message_store_service_server::{MessageStoreService, MessageStoreServiceServer},
};
use tonic::{Response, Status};

use super::{REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES, status::to_status};
use crate::{Auth, MessageStore};

/// The gRPC service of an auth service.
pub fn auth_server(auth: Arc<dyn Auth>) -> AuthServiceServer<impl AuthService> {
    AuthServiceServer::new(auth::Adapter(auth))
        .max_decoding_message_size(REQUEST_MAX_BYTES)
        .max_encoding_message_size(RESPONSE_MAX_BYTES)
}

/// The gRPC service of a message store.
pub fn message_store_server(
    store: Arc<dyn MessageStore>,
) -> MessageStoreServiceServer<impl MessageStoreService> {
    MessageStoreServiceServer::new(store::Adapter(store))
        .max_decoding_message_size(REQUEST_MAX_BYTES)
        .max_encoding_message_size(RESPONSE_MAX_BYTES)
}

/// Does the work of an RPC and answers with what came of it.
async fn answer<T>(
    method: &'static str,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<Response<T>, Status> {
    match work.await {
        Ok(answer) => Ok(Response::new(answer)),
        Err(error) => {
            log(method, &error);
            Err(to_status(&error))
        }
    }
}

/// Logs an error that leaves the process. Refusals are the caller's matter; a failure of ours is logged
/// here, since its cause stays here.
fn log(method: &'static str, error: &Error) {
    match error.code {
        Code::Internal => tracing::error!(method, cause = %cause(error), "{}", error.message),
        Code::Unavailable | Code::DeadlineExceeded => {
            tracing::warn!(method, code = %error.code, cause = %cause(error), "{}", error.message);
        }
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => tracing::debug!(method, code = %error.code, "{}", error.message),
    }
}

/// Logs the failures of ours among the errors of one batch, each kind once: when a database is gone,
/// hundreds of appends fail for the one reason.
fn log_batch<T>(method: &'static str, outcomes: &[Result<T>]) {
    for code in [Code::Internal, Code::Unavailable, Code::DeadlineExceeded] {
        let errors = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        let mut alike = errors.filter(|error| error.code == code);
        if let Some(first) = alike.next() {
            tracing::debug!(method, code = %code, items = 1 + alike.count(), "items of a batch failed alike");
            log(method, first);
        }
    }
}

/// The chain of causes in one line.
fn cause(error: &Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String does not fail.
        let _ = write!(text, "{separator}{error}");
        cause = error.source();
    }
    text
}
