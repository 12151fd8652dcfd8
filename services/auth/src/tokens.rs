//! Opaque tokens: random, shown to their owner once, remembered as digests.
//!
//! A refresh token has two parts: the family's, the same in every token of a session, and its own, new
//! at each use. The store remembers one digest of each. A token whose family is known and whose own part
//! is not the current one was once handed out and has been used: no row for each token ever issued is
//! needed to know that, for as long as the session lives.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_kit::clock::Random;
use sha2::{Digest as _, Sha256};

use crate::store::Digest;

/// The family's part; 128 bits.
const FAMILY_BYTES: usize = 16;
/// The token's own part, and a ticket; 256 bits.
const SECRET_BYTES: usize = 32;

/// SHA-256. Enough for what is random already; a slow hash would protect nothing more.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// A refresh token's two parts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    family: [u8; FAMILY_BYTES],
    secret: [u8; SECRET_BYTES],
}

impl RefreshToken {
    /// The first of a new family.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut token = Self { family: [0; FAMILY_BYTES], secret: [0; SECRET_BYTES] };
        random.fill(&mut token.family);
        random.fill(&mut token.secret);
        token
    }

    /// The next of the same family.
    pub(crate) fn successor(&self, random: &dyn Random) -> Self {
        let mut next = self.clone();
        random.fill(&mut next.secret);
        next
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = decode_exactly::<{ FAMILY_BYTES + SECRET_BYTES }>(text)?;
        let (family, secret) = bytes.split_at_checked(FAMILY_BYTES)?;
        Some(Self { family: family.try_into().ok()?, secret: secret.try_into().ok()? })
    }

    /// 64 characters of base64url.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.family.as_slice(), &self.secret].concat())
    }

    pub(crate) fn family_digest(&self) -> Digest {
        digest(&self.family)
    }

    pub(crate) fn token_digest(&self) -> Digest {
        digest(&self.secret)
    }
}

/// A ticket's text and digest.
pub(crate) fn new_ticket(random: &dyn Random) -> (String, Digest) {
    let mut secret = [0; SECRET_BYTES];
    random.fill(&mut secret);
    (URL_SAFE_NO_PAD.encode(secret), digest(&secret))
}

/// The digest of a ticket's text, if it can be one.
pub(crate) fn ticket_digest(text: &str) -> Option<Digest> {
    decode_exactly::<SECRET_BYTES>(text).map(|secret| digest(&secret))
}

/// The bytes of a base64url text that holds exactly so many.
pub(crate) fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use madang_kit::clock::SeededRandom;

    use super::*;

    #[test]
    fn a_refresh_token_keeps_its_family_and_changes_the_rest() {
        let random = SeededRandom::new(1);
        let first = RefreshToken::new(&random);
        let second = first.successor(&random);
        assert_eq!(first.family_digest(), second.family_digest());
        assert_ne!(first.token_digest(), second.token_digest());
        let text = second.encode();
        assert_eq!(text.len(), 64);
        assert!(RefreshToken::decode(&text).is_some_and(|decoded| decoded == second));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let (ticket, digest) = new_ticket(&SeededRandom::new(1));
        assert_eq!(ticket_digest(&ticket), Some(digest));
        for text in ["", "short", &ticket[1..], &format!("{ticket}A"), &"é".repeat(24)] {
            assert!(ticket_digest(text).is_none(), "{text}");
            assert!(RefreshToken::decode(text).is_none(), "{text}");
        }
        assert!(RefreshToken::decode(&ticket).is_none(), "a ticket is no refresh token");
    }
}
