//! The auth service: who somebody is.

use std::{net::IpAddr, time::Duration};

mod site;

use async_trait::async_trait;
use madang_domain::{AvatarUrl, DisplayName, Result, SessionId, Timestamp, UserId, UserRef, Username};

pub use self::site::{ApiKey, ExternalUser, Recognized, Scope, UnknownScope};
use crate::event::Profile;

/// Where a request came from, for throttling and for the user's list of devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address that the edge vouches for.
    pub ip: Option<IpAddr>,
    /// What the client calls itself; cut at 200 bytes.
    pub user_agent: Option<String>,
}

/// A password on its way to be hashed. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Wraps what the user typed; the service judges it.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// What the user typed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Tokens for a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// A signed JWT; minutes long.
    pub access_token: String,
    /// An opaque token, good for one use.
    pub refresh_token: String,
    /// How long the access token is good.
    pub expires_in: Duration,
    /// Whose they are.
    pub user: Profile,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant")
            .field("user", &self.user.id)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// A one-time WebSocket ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The opaque ticket.
    pub ticket: String,
    /// How long it is good.
    pub expires_in: Duration,
}

/// Who a verified credential belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, as the credential describes one.
    pub profile: Profile,
    /// The device.
    pub session: SessionId,
    /// Until when the credential is good.
    pub expires_at: Timestamp,
    /// When it was made: a user who was disconnected since then needs another one.
    pub issued_at: Timestamp,
    /// Who says so.
    pub vouched_by: Voucher,
}

/// Who vouches for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    /// This project's auth service, with a session of its own.
    Auth,
    /// The embedding site: by a token of its issuer, or a ticket that it asked for.
    Site,
}

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last took new tokens.
    pub used_at: Timestamp,
    /// From where.
    pub client: ClientInfo,
}

/// Credentials that ended before their time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revocations {
    /// Sessions that ended before their access tokens did.
    pub sessions: Vec<SessionId>,
    /// Users who were disconnected, and when: what let them in before does so no more.
    pub users: Vec<(UserId, Timestamp)>,
    /// What to ask after next time.
    pub cursor: i64,
}

/// What the claims of an access token are called (RFC 9068 and this project's own).
pub mod claims {
    use serde::{Deserialize, Serialize};

    /// The `typ` of an access token's header (RFC 9068, section 2.1).
    pub const TYPE: &str = "at+jwt";
    /// The `iss` claim of this project's own tokens.
    pub const ISSUER: &str = "madang";
    /// The `aud` claim of this project's own tokens.
    pub const AUDIENCE: &str = "madang";

    /// The claims of an access token.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub struct AccessClaims {
        /// Issuer.
        pub iss: String,
        /// Audience.
        pub aud: String,
        /// The user's id.
        pub sub: String,
        /// Expiry, in seconds since the Unix epoch.
        pub exp: i64,
        /// Issued at, in seconds.
        pub iat: i64,
        /// The token's own id.
        pub jti: String,
        /// The session's id.
        pub sid: String,
        /// The username.
        pub preferred_username: String,
        /// The name to show.
        pub name: String,
        /// The picture.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub picture: Option<String>,
        /// The version of the profile: when it last changed, in microseconds since the Unix epoch.
        pub profile_version: i64,
    }
}

/// Accounts, sessions, tokens, keys.
///
/// Every method may fail with `unavailable` (the database does not answer), `deadline_exceeded` or
/// `internal` besides what it names.
#[async_trait]
pub trait Auth: Send + Sync + 'static {
    /// Makes an account and signs it in. `already_exists`: the name is taken; `invalid_argument`: the
    /// password is too short or too long; `rate_limited`.
    async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant>;

    /// Signs in. `unauthenticated`: no such user or wrong password, told apart by nothing;
    /// `rate_limited`.
    async fn login(&self, username: Username, password: Password, client: ClientInfo) -> Result<Grant>;

    /// Exchanges a refresh token, which is used up. `unauthenticated`: unknown, expired, or used before;
    /// in the last case the whole session ends.
    async fn refresh(&self, refresh_token: &str, client: ClientInfo) -> Result<Grant>;

    /// Ends the session of a refresh token. An unknown token is no error.
    async fn logout(&self, refresh_token: &str) -> Result<()>;

    /// Makes a one-time ticket. `unauthenticated`: the session has ended.
    async fn issue_ticket(&self, user: UserId, session: SessionId) -> Result<Ticket>;

    /// Uses a ticket up; of two who try, one wins. `unauthenticated`: unknown, used or expired.
    async fn redeem_ticket(&self, ticket: &str) -> Result<Identity>;

    /// The user's live sessions, newest first.
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>>;

    /// Ends a session. `not_found`: it is not a live one of this user.
    async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<()>;

    /// The sessions revoked and the users disconnected after `cursor`. With none: all whose access tokens may
    /// still be good. Cheap; gateways ask several times a second. May name one twice, never misses one.
    async fn revocations(&self, cursor: Option<i64>) -> Result<Revocations>;

    /// The public keys, as a JSON Web Key Set (RFC 7517): those that sign now, will sign next, or signed
    /// tokens that are still good.
    async fn keys(&self) -> Result<String>;

    /// Profiles by id, at most 200; unknown ids are left out.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>>;

    /// Changes the profile. `None` leaves a field as it was; `Some(None)` removes the picture.
    async fn update_profile(
        &self,
        user: UserId,
        name: Option<DisplayName>,
        avatar_url: Option<Option<AvatarUrl>>,
    ) -> Result<Profile>;

    /// The user whom the embedding site calls so: made on first sight, and changed where the site says something
    /// new. `invalid_argument` never: what cannot be had (a username that somebody has) is replaced.
    async fn external_user(&self, user: ExternalUser) -> Result<Recognized>;

    /// Profiles by id or by what the embedding site calls them, at most 200; unknown ones are left out.
    async fn find_users(&self, users: &[UserRef]) -> Result<Vec<Profile>>;

    /// Ends all that the user was let in with until now: sessions, tickets, and tokens of the embedding site.
    /// `not_found`: there is no such user.
    async fn disconnect(&self, user: UserId) -> Result<()>;

    /// Makes a one-time ticket for a user whom the embedding site vouches for, at most until then. `not_found`: no
    /// such user.
    async fn issue_user_ticket(&self, user: UserId, until: Option<Timestamp>) -> Result<Ticket>;

    /// Whose an API key is. `unauthenticated`: nobody's, or revoked.
    async fn verify_api_key(&self, key: &str) -> Result<ApiKey>;
}
