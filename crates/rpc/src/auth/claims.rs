//! What the claims of an access token are called (RFC 9068 and this project's own).

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
