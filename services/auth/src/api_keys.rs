//! API keys, with which a site's backend authenticates.
//!
//! A key is `mk_<id>_<secret>`. The id finds the row and may be shown. The secret is 256 random bits; the
//! database stores only its SHA-256. The key is shown once, to the operator who creates it.

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_domain::Timestamp;
use madang_kit::{Escaped, clock::Random};
use madang_rpc::auth::{ApiKey, Scope};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    store::{Digest, StoredApiKey},
    tokens,
};

/// The prefix of every key. Scanners for leaked secrets recognize keys by it.
const PREFIX: &str = "mk_";
/// The id's size; in hexadecimal, so that it holds no `_`.
const ID_BYTES: usize = 8;
/// The secret's size: 256 bits.
const SECRET_BYTES: usize = 32;
/// The resolution of a key's last use. It bounds the writes to one a minute, whatever the site does.
const LAST_USE_EXACT_TO: Duration = Duration::from_secs(60);

impl Engine {
    /// Verifies a key and returns its id and scopes.
    pub(crate) async fn verify_api_key(&self, key: &str) -> Result<ApiKey> {
        let (id, digest) = parse(key).ok_or(AuthError::ApiKey)?;
        let stored = self.store.api_key(id, &digest).await?.ok_or(AuthError::ApiKey)?;
        if stored.revoked_at.is_some() {
            return Err(AuthError::ApiKey);
        }
        let now = self.clock.now();
        if stored.last_used_at.is_none_or(|at| now.since(at) >= LAST_USE_EXACT_TO) {
            // Logged as often as it is recorded. So the log shows which keys are in use, and a busy key does not
            // fill it.
            tracing::info!(api_key = %stored.id, name = %Escaped(&stored.name), "an API key is in use");
            // Only operators read the last use. So a key stays valid when the write of its last use fails.
            if let Err(error) = self.store.use_api_key(id, now).await {
                tracing::debug!(%error, "could not record the last use of an API key");
            }
        }
        let scopes = scopes(&stored.scopes)?;
        Ok(ApiKey { id: stored.id.into(), name: stored.name.into(), scopes })
    }
}

/// A new key: its text, the row to store, and the digest of its secret.
pub(crate) fn new_key(
    random: &dyn Random,
    name: &str,
    scopes: &[Scope],
    now: Timestamp,
) -> (String, StoredApiKey, Digest) {
    let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    random.fill(&mut id);
    random.fill(&mut secret);
    let mut hex = String::with_capacity(2 * ID_BYTES);
    for byte in id {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let scopes: Vec<&str> = scopes.into_iter().map(Scope::as_str).collect();
    let text = format!("{PREFIX}{hex}_{}", URL_SAFE_NO_PAD.encode(secret));
    let stored = StoredApiKey {
        id: hex,
        name: name.to_owned(),
        scopes: scopes.join(" "),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    (text, stored, tokens::digest(&secret))
}

/// The public part of a key's text, which may be shown.
pub(crate) fn public_part(key: &str) -> Option<&str> {
    let (id, _) = key.strip_prefix(PREFIX)?.split_once('_')?;
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then_some(id)
}

/// Parses a key into its id and the digest of its secret.
fn parse(key: &str) -> Option<(&str, Digest)> {
    let id = public_part(key)?;
    let secret = key.strip_prefix(PREFIX)?.strip_prefix(id)?.strip_prefix('_')?;
    tokens::decode_exactly::<SECRET_BYTES>(secret).map(|secret| (id, tokens::digest(&secret)))
}

/// The scopes of a row. Unknown scopes, written by a later version of this program, are ignored.
fn scopes(text: &str) -> Result<Vec<Scope>> {
    let scopes: Vec<Scope> = text.split(' ').filter_map(|scope| scope.parse().ok()).collect();
    if scopes.is_empty() { Err(AuthError::ApiKey) } else { Ok(scopes) }
}

#[cfg(test)]
mod tests {
    use madang_kit::clock::SeededRandom;

    use super::*;

    #[test]
    fn a_key_is_known_by_its_text_alone() {
        let (text, stored, digest) = new_key(
            &SeededRandom::new(3),
            "site",
            &[Scope::Notices, Scope::Rooms, Scope::Notices],
            Timestamp::default(),
        );
        assert_eq!(text.len(), 3 + 16 + 1 + 43);
        assert_eq!(stored.scopes, "rooms notices");
        assert_eq!(parse(&text), Some((stored.id.as_str(), digest)));
        assert!(!format!("{stored:?}").contains(&text[20..]), "the secret is kept nowhere");
        let upper = text.replace(&stored.id, &stored.id.to_uppercase());
        for other in ["", "mk_", &text[1..], &text[..text.len() - 1], &format!("{text}A")] {
            assert_eq!(parse(other), None, "{other}");
        }
        assert!(upper == text || parse(&upper).is_none(), "one key, one spelling");
    }
}
