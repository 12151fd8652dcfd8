//! Extractors of requests, which answer invalid input with the contract's errors.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use madang_domain::{Code, Error, IdempotencyKey};
use madang_rpc::{auth::ClientInfo, store::PageQuery};
use serde::de::DeserializeOwned;

use super::refusals::{body_error, path_error, query_error};
use crate::{
    commands::page_limit,
    http::{Problem, client_address::ClientAddress},
};

/// The most bytes of a `User-Agent` that are stored.
const USER_AGENT_MAX_CHARS: usize = 200;

/// The address of the client.
pub(crate) struct Client(pub(crate) ClientInfo);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(ClientInfo {
            ip: parts.extensions.get::<ClientAddress>().map(|address| address.ip),
            user_agent: user_agent.map(|agent| agent.chars().take(USER_AGENT_MAX_CHARS).collect()),
        }))
    }
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Error::invalid("send JSON, with Content-Type: application/json"),
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unread_body(&rejection))?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(body_error::<T>(&body, &error).into()),
        }
    }
}

/// Whether the body says that it is JSON: `application/json`, or a type that is written as JSON (RFC 6838, section
/// 4.2.8).
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn unread_body(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(Code::TooLarge, "the body is larger than the limit").into()
        }
        _ => Error::invalid("the body could not be read to its end").into(),
    }
}

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(query_error(&rejection).into()),
        }
    }
}

/// Parameters of the path, each parsed by its type.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(path_error(&rejection).into()),
        }
    }
}

/// The `Idempotency-Key` of a write.
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| Error::invalid("Idempotency-Key must be ASCII"))?;
        let key = IdempotencyKey::new(text);
        Ok(Self(Some(key.map_err(|error| Error::invalid(format!("Idempotency-Key {}", error.problem)))?)))
    }
}

/// The page of a list that a query asks for.
pub(crate) fn page_query(limit: Option<u32>, cursor: Option<String>) -> Result<PageQuery, Problem> {
    Ok(PageQuery { limit: page_limit(limit)?, cursor })
}
