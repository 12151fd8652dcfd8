//! Credentials, and the clients who present them.

use std::{
    net::{AddrParseError, IpAddr},
    time::Duration,
};

use madang_proto::auth::v1 as wire;

use crate::wire::{DecodeError, Result, Wire, message, required_message};
use madang_domain::Profile;

/// Where a request came from, for throttling and for the user's list of devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address as the gateway determined it.
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

/// A refresh token, a ticket or an API key on its way to be verified. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps what the client presents; the service judges it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the client presents.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
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

message!(ClientInfo => wire::ClientInfo { ip, user_agent });
message!(Grant => wire::Grant { access_token, refresh_token, expires_in as expires_in_seconds, user });
required_message!(Grant => wire::Grant);
message!(Grant => wire::RegisterResponse | wire::LoginResponse | wire::RefreshResponse[grant]);

/// Absent means that nothing is known of the client.
impl Wire<Option<wire::ClientInfo>> for ClientInfo {
    fn encode(&self) -> Option<wire::ClientInfo> {
        Some(self.encode())
    }

    fn decode(client: Option<wire::ClientInfo>) -> Result<Self> {
        Self::decode(client.unwrap_or_default())
    }
}

impl Wire<String> for IpAddr {
    fn encode(&self) -> String {
        self.to_string()
    }

    fn decode(text: String) -> Result<Self> {
        text.parse().map_err(|error: AddrParseError| DecodeError::of_value(error))
    }
}

impl Wire<String> for Password {
    fn encode(&self) -> String {
        self.0.clone()
    }

    fn decode(text: String) -> Result<Self> {
        Ok(Self(text))
    }
}

impl Wire<String> for Token {
    fn encode(&self) -> String {
        self.0.clone()
    }

    fn decode(text: String) -> Result<Self> {
        Ok(Self(text))
    }
}
