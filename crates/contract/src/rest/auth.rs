//! `/v1/auth`: accounts, tokens and signed-in devices.

use std::{borrow::Cow, fmt};

use madang_domain::{DisplayName, SessionId, Timestamp, Username};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Account;

/// The body of a registration.
// A client that leaves validation to the server substitutes `String` for the parameters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Register")]
pub struct Register<U = Username, N = DisplayName> {
    /// The username of the new account.
    pub username: U,
    /// The password: 8 to 256 characters. Common passwords are refused.
    #[schemars(length(min = 8, max = 256))]
    pub password: String,
    /// The display name. If it is absent, the username becomes the display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<N>,
}

/// The body of a sign-in: a username and its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The username. An invalid username gets the same answer as an unknown one: `unauthenticated`.
    pub username: String,
    /// The password of the account.
    pub password: String,
}

/// The body of a refresh or a sign-out: a refresh token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The opaque refresh token. It is valid for one refresh.
    pub refresh_token: String,
}

/// The tokens of a signed-in device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens<'a> {
    /// The access token for REST and the WebSocket: a JWT, valid for `expires_in` seconds.
    pub access_token: String,
    /// The refresh token of this device: an opaque text, valid for one refresh.
    pub refresh_token: String,
    /// The type of the access token: always `Bearer`.
    pub token_type: Cow<'a, str>,
    /// The number of seconds for which the access token is valid.
    pub expires_in: u64,
    /// The user who signed in.
    pub user: Account<'a>,
}

/// A ticket, which opens one WebSocket as `?ticket=`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// The ticket: an opaque text, valid for one WebSocket.
    pub ticket: String,
    /// The number of seconds for which the ticket is valid.
    pub expires_in: u64,
}

/// A session: one signed-in device of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthSession {
    /// The id of the session.
    pub id: SessionId,
    /// The time of the sign-in.
    pub created_at: Timestamp,
    /// The time of the last refresh, or of the sign-in if there was none.
    pub used_at: Timestamp,
    /// The IP address from which the session was last used; null if it is unknown.
    pub ip: Option<String>,
    /// The `User-Agent` header of the last use; null if there was none.
    pub user_agent: Option<String>,
    /// Whether this is the session whose access token made the request.
    pub current: bool,
}

/// A JSON Web Key Set (RFC 7517): the public keys that verify access tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JwkSet {
    /// The public keys, each a JSON Web Key.
    pub keys: Vec<Map<String, Value>>,
}

/// Keeps secrets out of logs: the debug output shows only the name of the type.
macro_rules! secret {
    ($($name:ident $(<$($of:tt),*>)?),*) => {$(
        impl fmt::Debug for $name $(<$($of),*>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

secret!(Login, RefreshToken, Tokens<'_>, Ticket);

impl<U, N> fmt::Debug for Register<U, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").finish_non_exhaustive()
    }
}

/// The routes for accounts, tokens and sessions.
pub mod routes {
    use madang_domain::Code;

    use super::{AuthSession, JwkSet, Login, RefreshToken, Register, Ticket, Tokens};
    use crate::rest::{Access, Page, Route, route::table};

    table! {
        /// Creates an account.
        REGISTER = Route::post("register", "/v1/auth/register", "Create an account and sign in")
            .access(Access::Public)
            .takes::<Register>()
            .answers::<Tokens<'_>>(201, "The tokens of the new account.")
            .refuses(&[Code::AlreadyExists, Code::PermissionDenied, Code::RateLimited]);
        /// Signs in.
        LOGIN = Route::post("login", "/v1/auth/login", "Sign in")
            .access(Access::Public)
            .takes::<Login>()
            .answers::<Tokens<'_>>(200, "The tokens of a new session.")
            .refuses(&[Code::Unauthenticated, Code::RateLimited]);
        /// Exchanges a refresh token for new tokens.
        REFRESH = Route::post("refresh", "/v1/auth/refresh", "Exchange a refresh token for new tokens; each refresh token is valid for one exchange")
            .access(Access::Public)
            .takes::<RefreshToken>()
            .answers::<Tokens<'_>>(200, "The new tokens of the same session.")
            .refuses(&[Code::Unauthenticated, Code::RateLimited]);
        /// Signs out: ends the session of a refresh token.
        LOGOUT = Route::post("logout", "/v1/auth/logout", "Sign out: end the session of a refresh token; an unknown token also gets 204")
            .access(Access::Public)
            .takes::<RefreshToken>()
            .answers_empty(204, "The session has ended.")
            .refuses(&[Code::RateLimited]);
        /// Issues a ticket for one WebSocket.
        TICKET = Route::post("create_ticket", "/v1/auth/ws-ticket", "Issue a ticket for one WebSocket, valid for 30 s by default")
            .access(Access::OwnSession)
            .answers::<Ticket>(200, "The ticket.");
        /// Lists the user's sessions.
        SESSIONS = Route::get("list_sessions", "/v1/auth/sessions", "List the user's sessions (signed-in devices), newest first, at most 200")
            .access(Access::OwnSession)
            .answers::<Page<AuthSession>>(200, "The sessions.");
        /// Ends one of the user's sessions.
        REVOKE = Route::delete("revoke_session", "/v1/auth/sessions/{session}", "End one of the user's sessions")
            .access(Access::OwnSession)
            .answers_empty(204, "The session has ended.")
            .refuses(&[Code::NotFound]);
        /// Answers the public keys.
        KEYS = Route::get("keys", "/.well-known/jwks.json", "Get the public keys that verify access tokens")
            .access(Access::Public)
            .answers_as::<JwkSet>(200, "The key set.", "application/jwk-set+json")
            .refuses(&[Code::RateLimited]);
    }
}
