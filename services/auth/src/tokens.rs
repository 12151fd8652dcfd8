//! Opaque tokens: random, shown to their owner once, stored as digests.
//!
//! A refresh token has two parts. The family part is the same in every token of a session; the own part is
//! new at each use. The store keeps one digest of each part. A token of a known family with another own part
//! was issued earlier and has been used. So the store detects reuse for as long as the session lives, without
//! a row for each issued token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_kit::clock::Random;
use sha2::{Digest as _, Sha256};

use crate::store::Digest;

/// The bytes of the family part: 128 bits.
const FAMILY_BYTES: usize = 16;
/// The bytes of a token's own part and of a ticket: 256 bits.
const SECRET_BYTES: usize = 32;

/// The SHA-256 digest. It suffices for a random value; a slow hash would add no protection.
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
    /// Creates the first token of a new family.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut token = Self { family: [0; FAMILY_BYTES], secret: [0; SECRET_BYTES] };
        random.fill(&mut token.family);
        random.fill(&mut token.secret);
        token
    }

    /// Creates the next token of the same family.
    pub(crate) fn successor(&self, random: &dyn Random) -> Self {
        let mut next = self.clone();
        random.fill(&mut next.secret);
        next
    }

    /// Parses the output of [`encode`](Self::encode).
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = decode_exactly::<{ FAMILY_BYTES + SECRET_BYTES }>(text)?;
        let (family, secret) = bytes.split_at_checked(FAMILY_BYTES)?;
        Some(Self { family: family.try_into().ok()?, secret: secret.try_into().ok()? })
    }

    /// Encodes the token as 64 characters of base64url.
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

/// Creates a ticket: its text and its digest.
pub(crate) fn new_ticket(random: &dyn Random) -> (String, Digest) {
    let mut secret = [0; SECRET_BYTES];
    random.fill(&mut secret);
    (URL_SAFE_NO_PAD.encode(secret), digest(&secret))
}

/// The digest of a ticket's text, if the text has the form of a ticket.
pub(crate) fn ticket_digest(text: &str) -> Option<Digest> {
    decode_exactly::<SECRET_BYTES>(text).map(|secret| digest(&secret))
}

/// Decodes a base64url text of exactly `N` bytes.
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
