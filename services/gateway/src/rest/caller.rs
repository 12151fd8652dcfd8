//! As whom a request is made: as the user of its token, or as the user whom the site's backend names.
//!
//! The site's backend has an API key with the scope `impersonate`, and names the user by the header `Madang-User`. From
//! there on the caller is that user, with the rights of the user and no others; the API key pays, and what is recorded says
//! that the site did it. Decision 0059 has the reasons.

use std::{net::IpAddr, sync::Arc};

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::{HeaderName, header, request::Parts};
use madang_domain::{Authority, Code, Error, Profile, Result, SessionId, Timestamp, UserRef};
use madang_rpc::auth::{CredentialIssuer, Identity, Presented, Scope};
use percent_encoding::percent_decode;

use super::extract::Client;
use crate::{
    admission::Actor,
    commands::Commands,
    credentials::{Credential, SiteKeys},
    http::{Problem, bearer::bearer, client_address::ClientAddress},
    log,
    state::Entrance,
};

/// The header by which the site's backend names the user as whom it acts.
const USER: HeaderName = HeaderName::from_static("madang-user");

/// The user as whom a request is made.
pub(crate) struct Caller {
    pub(crate) me: Arc<Profile>,
    address: Option<IpAddr>,
    authority: Authority,
    presented: Option<Presented>,
}

impl Caller {
    /// What the caller showed, for the auth service. The embedding site's tokens have no session there, and neither has its
    /// backend.
    pub(crate) fn presented(&self) -> Option<Presented> {
        self.presented
    }

    /// The user as one who does something.
    pub(crate) fn actor(&self) -> Actor {
        let (profile, address) = (Arc::clone(&self.me), self.address);
        Actor { profile, usage: None, address, authority: self.authority }
    }
}

impl<S> FromRequestParts<S> for Caller
where
    Arc<Entrance>: FromRef<S>,
    Arc<Commands>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let entrance = Arc::<Entrance>::from_ref(state);
        match shown(parts)? {
            Shown::Token(token) => Ok(SignedIn::verified(&entrance, token, parts).await?.caller),
            Shown::Key(key) => {
                let Client(client) = Client::from_request_parts(parts, state).await?;
                let commands = Arc::<Commands>::from_ref(state);
                Ok(impersonated(&entrance, &commands, &key, client.ip, parts).await?)
            }
        }
    }
}

/// A user with the session that the request's token is of: for what concerns sessions and passwords, where the site's
/// backend has none.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    pub(crate) session: SessionId,
    pub(crate) issuer: CredentialIssuer,
    pub(crate) expires_at: Timestamp,
}

impl SignedIn {
    async fn verified(entrance: &Entrance, token: String, parts: &Parts) -> Result<Self> {
        let address = parts.extensions.get::<ClientAddress>().map(|address| address.ip);
        let identity = entrance.verifier.verify(&Credential::Token(token), address).await?;
        let Identity { profile, session, expires_at, issuer, issued_at } = identity;
        let presented = (issuer == CredentialIssuer::Auth).then_some(Presented { session, issued_at });
        let caller = Caller { me: Arc::new(profile), address, authority: Authority::User, presented };
        Ok(Self { caller, session, issuer, expires_at })
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    Arc<Entrance>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let entrance = Arc::<Entrance>::from_ref(state);
        match shown(parts)? {
            Shown::Token(token) => Ok(Self::verified(&entrance, token, parts).await?),
            Shown::Key(_) => Err(Error::new(
                Code::PermissionDenied,
                "this is of the user's own session or password, which the site's backend does not have",
            )
            .into()),
        }
    }
}

/// The credential of a request.
enum Shown {
    /// A user's token, which says itself who the user is.
    Token(String),
    /// An API key.
    Key(String),
}

/// The credential that a request shows. `unauthenticated`: none. `invalid_argument`: a token, and another user's name.
fn shown(parts: &Parts) -> Result<Shown> {
    let text = parts.headers.get(header::AUTHORIZATION).and_then(bearer).ok_or_else(|| {
        Error::new(Code::Unauthenticated, "send the access token: Authorization: Bearer <token>")
    })?;
    if SiteKeys::is_key(&text) {
        return Ok(Shown::Key(text));
    }
    if parts.headers.contains_key(USER) {
        return Err(Error::invalid("Madang-User goes with an API key: a token is of one user alone"));
    }
    Ok(Shown::Token(text))
}

/// The user as whom the site's backend acts.
async fn impersonated(
    entrance: &Entrance,
    commands: &Commands,
    text: &str,
    address: Option<IpAddr>,
    parts: &Parts,
) -> Result<Caller> {
    let key = entrance
        .site_keys
        .verify(text, Scope::Impersonate, address)
        .await
        .inspect_err(|error| entrance.refusals.api_key(text, address, error))?;
    entrance.counters.server_calls.add(1);
    let me = commands.find_user(&named(parts)?).await?;
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    log::impersonation(&key, me.id, &parts.method, route);
    Ok(Caller { me, address, authority: Authority::SiteAsUser, presented: None })
}

/// The user whom the header names: by the id, or by `ext:` and the site's id as it stands in a path.
fn named(parts: &Parts) -> Result<UserRef> {
    let mut given = parts.headers.get_all(USER).iter();
    let (Some(name), None) = (given.next(), given.next()) else {
        let message = "an API key is nobody: name one user as whom the site acts, by Madang-User: <user id>";
        return Err(Error::invalid(message));
    };
    let name = percent_decode(name.as_bytes()).decode_utf8().ok().and_then(|name| name.parse().ok());
    name.ok_or_else(|| Error::invalid("Madang-User must be an id, or `ext:` and the site's id of the user"))
}
