//! Tokens as `rest_framework_simplejwt` makes them, for those that the site would not make.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::Person;

/// What a token is for: simplejwt's claim `token_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// Opens sockets.
    Access,
    /// Gets another access token.
    Refresh,
}

/// Whoever holds a key.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The key of HS256.
    pub key: String,
}

impl Signer {
    /// A token for a user that expires so long after now.
    ///
    /// # Panics
    /// When the clock shows a year before 1970.
    #[must_use]
    pub fn token(&self, person: &Person, token_type: TokenType, life: Duration) -> String {
        self.sign(person, token_type, now_s() + life.as_secs())
    }

    /// A token that expired so long before now.
    ///
    /// # Panics
    /// When the clock shows a year before 1970.
    #[must_use]
    pub fn expired(&self, person: &Person, since: Duration) -> String {
        self.sign(person, TokenType::Access, now_s() - since.as_secs())
    }

    fn sign(&self, person: &Person, token_type: TokenType, expires_s: u64) -> String {
        let token_type = match token_type {
            TokenType::Access => "access",
            TokenType::Refresh => "refresh",
        };
        // The site's user ids are text in its tokens.
        let claims = json!({
            "token_type": token_type, "exp": expires_s, "iat": expires_s - 3600,
            "jti": format!("{}-{expires_s}", person.id), "user_id": person.id.to_string(),
        });
        let key = EncodingKey::from_secret(self.key.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).expect("a token")
    }
}

#[expect(clippy::disallowed_methods, reason = "tokens are judged by the clock of the machine")]
fn now_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs()
}
