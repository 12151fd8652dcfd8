//! What handlers take from a request, with the contract's errors where it is not as it should be.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::extract::{ConnectInfo, FromRef, FromRequest, FromRequestParts, Request, rejection::JsonRejection};
use http::{HeaderMap, StatusCode, header, request::Parts};
use madang_domain::{Code, Error, IdempotencyKey, Profile, SessionId, Timestamp};
use madang_rpc::{
    auth::{ClientInfo, CredentialIssuer, Identity, Presented},
    store::PageQuery,
};
use serde::de::DeserializeOwned;

use crate::{
    commands::page_limit,
    credentials::Credential,
    http::{Problem, bearer::bearer},
    state::Entrance,
};

/// The longest `User-Agent` that is kept.
const USER_AGENT_MAX_CHARS: usize = 200;

/// The signed-in user.
pub(crate) struct Caller {
    pub(crate) me: Arc<Profile>,
    pub(crate) session: SessionId,
    pub(crate) issuer: CredentialIssuer,
    pub(crate) expires_at: Timestamp,
    issued_at: Timestamp,
}

impl Caller {
    /// What the caller showed, for the auth service. The embedding site's tokens have no session there.
    pub(crate) fn presented(&self) -> Option<Presented> {
        (self.issuer == CredentialIssuer::Auth)
            .then_some(Presented { session: self.session, issued_at: self.issued_at })
    }
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
        let Identity { profile, session, expires_at, issuer, issued_at } = identity;
        Ok(Self { me: Arc::new(profile), session, issuer, expires_at, issued_at })
    }
}

/// Where the request comes from.
pub(crate) struct Client(pub(crate) ClientInfo);

impl<S> FromRequestParts<S> for Client
where
    Arc<Entrance>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let entrance = Arc::<Entrance>::from_ref(state);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(ClientInfo {
            ip: forwarded(&parts.headers, entrance.settings.trusted_proxies).or(peer),
            user_agent: user_agent.map(|agent| agent.chars().take(USER_AGENT_MAX_CHARS).collect()),
        }))
    }
}

/// The address that the outermost trusted proxy saw: the header's nth entry from the right. What stands
/// further left is the client's own word.
fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let nth = trusted_proxies.checked_sub(1)?;
    headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .rev()
        .nth(nth)
        .and_then(|address| address.trim().parse().ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_its_address() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
        headers.append("x-forwarded-for", "198.51.100.2".parse().unwrap());
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), Some("198.51.100.2".parse().unwrap()));
        assert_eq!(forwarded(&headers, 2), Some("203.0.113.7".parse().unwrap()));
    }
}
