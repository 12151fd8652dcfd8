//! Extractors of requests, which answer invalid input with the contract's errors.

use std::{net::IpAddr, sync::Arc};

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request, rejection::JsonRejection};
use http::{StatusCode, header, request::Parts};
use madang_domain::{Code, Error, IdempotencyKey, Profile, SessionId, Timestamp};
use madang_rpc::{
    auth::{ClientInfo, CredentialIssuer, Identity},
    store::PageQuery,
};
use serde::de::DeserializeOwned;

use crate::{
    admission::Actor,
    commands::page_limit,
    credentials::Credential,
    http::{Problem, bearer::bearer, client_address::ClientAddress},
    state::Entrance,
};

/// The most bytes of a `User-Agent` that are stored.
const USER_AGENT_MAX_CHARS: usize = 200;

/// The signed-in user.
pub(crate) struct Caller {
    pub(crate) me: Arc<Profile>,
    address: Option<IpAddr>,
    pub(crate) session: SessionId,
    pub(crate) issuer: CredentialIssuer,
    pub(crate) expires_at: Timestamp,
}

impl<S> FromRequestParts<S> for Caller
where
    Arc<Entrance>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let entrance = Arc::<Entrance>::from_ref(state);
        let token = parts.headers.get(header::AUTHORIZATION).and_then(bearer).ok_or_else(|| {
            Error::new(Code::Unauthenticated, "send the access token: Authorization: Bearer <token>")
        })?;
        let identity = entrance.verifier.verify(&Credential::Token(token)).await?;
        let Identity { profile, session, expires_at, issuer, issued_at: _ } = identity;
        let address = parts.extensions.get::<ClientAddress>().map(|address| address.ip);
        Ok(Self { me: Arc::new(profile), address, session, issuer, expires_at })
    }
}

impl Caller {
    /// The user as one who does something.
    pub(crate) fn actor(&self) -> Actor {
        Actor { profile: Arc::clone(&self.me), usage: None, address: self.address }
    }
}

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
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused_body(&rejection)),
        }
    }
}

fn refused_body(rejection: &JsonRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(Code::TooLarge, "the body is larger than the limit").into()
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::with_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::invalid("send JSON, with Content-Type: application/json"),
        ),
        _ => Error::invalid(rejection.body_text()).into(),
    }
}

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Error::invalid(rejection.body_text()).into()),
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
            Err(rejection) => Err(Error::invalid(rejection.body_text()).into()),
        }
    }
}

/// The `Idempotency-Key` of a write.
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| Error::invalid("Idempotency-Key: must be ASCII"))?;
        Ok(Self(Some(IdempotencyKey::new(text)?)))
    }
}

/// The page of a list that a query asks for.
pub(crate) fn page_query(limit: Option<u32>, cursor: Option<String>) -> Result<PageQuery, Problem> {
    Ok(PageQuery { limit: page_limit(limit)?, cursor })
}
