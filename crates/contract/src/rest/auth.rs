//! `/v1/auth`: accounts, tokens and signed-in devices.

use std::{borrow::Cow, fmt};

use madang_domain::{DisplayName, SessionId, Timestamp, Username};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Account;

/// A new account. A client that leaves the check of the texts to the server uses another type for them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Register")]
pub struct Register<U = Username, N = DisplayName> {
    /// The name to sign in with.
    pub username: U,
    /// The password.
    #[schemars(length(min = 8, max = 256))]
    pub password: String,
    /// The name to show; absent means the username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<N>,
}

/// A username and its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name to sign in with. Any text is taken: one that no user can have is refused as one that no user has.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A refresh token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The opaque token. A refresh uses it up.
    pub refresh_token: String,
}

/// The tokens of a signed-in device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens<'a> {
    /// A signed token for the routes and the WebSocket; it is good for minutes.
    pub access_token: String,
    /// An opaque token for one refresh.
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: Cow<'a, str>,
    /// How many seconds the access token is good.
    pub expires_in: u64,
    /// The user whose tokens they are.
    pub user: Account<'a>,
}

/// A ticket for one WebSocket.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ticket {
    /// The opaque ticket.
    pub ticket: String,
    /// How many seconds it is good.
    pub expires_in: u64,
}

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthSession {
    /// The id of the session.
    pub id: SessionId,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the session was last refreshed.
    pub used_at: Timestamp,
    /// The address from which it was last used.
    pub ip: Option<String>,
    /// The `User-Agent` of its last use.
    pub user_agent: Option<String>,
    /// Whether it is the session that asks.
    pub current: bool,
}

/// The public keys of access tokens (RFC 7517).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Map<String, Value>>,
}

/// Secrets are not for logs.
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

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{AuthSession, JwkSet, Login, RefreshToken, Register, Ticket, Tokens};
    use crate::rest::{Access, Page, Route, route::table};

    table! {
        /// Makes an account.
        REGISTER = Route::post("register", "/v1/auth/register", "Make an account and sign in")
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
        /// Gets new tokens.
        REFRESH = Route::post("refresh", "/v1/auth/refresh", "Get new tokens, once for each refresh token")
            .access(Access::Public)
            .takes::<RefreshToken>()
            .answers::<Tokens<'_>>(200, "New tokens of the same session.")
            .refuses(&[Code::Unauthenticated]);
        /// Ends a session.
        LOGOUT = Route::post("logout", "/v1/auth/logout", "End the session of a refresh token; an unknown one is no error")
            .access(Access::Public)
            .takes::<RefreshToken>()
            .answers_empty(204, "The session has ended.");
        /// Makes a ticket.
        TICKET = Route::post("create_ticket", "/v1/auth/ws-ticket", "Make a ticket for one WebSocket, good for 30 s")
            .answers::<Ticket>(200, "The ticket.");
        /// Lists the sessions.
        SESSIONS = Route::get("list_sessions", "/v1/auth/sessions", "List the user's signed-in devices, newest first, at most 200")
            .answers::<Page<AuthSession>>(200, "The sessions.");
        /// Ends one session.
        REVOKE = Route::delete("revoke_session", "/v1/auth/sessions/{session}", "End a session of the user's")
            .answers_empty(204, "The session has ended.")
            .refuses(&[Code::NotFound]);
        /// The public keys.
        KEYS = Route::get("keys", "/.well-known/jwks.json", "Get the public keys of access tokens")
            .access(Access::Public)
            .answers_as::<JwkSet>(200, "The keys.", "application/jwk-set+json");
    }
}
