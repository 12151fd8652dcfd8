//! Opaque tokens: random, shown to their owner once, stored as digests.
//!
//! A refresh token has two parts. The family part is the same in every token of a session; the own part is
//! new at each use. The store keeps one digest of each part. A token of a known family with another own part
//! was issued earlier and has been used. So the store detects reuse for as long as the session lives, without
//! a row for each issued token.
//!
//! For a short time the store also keeps the current token, encrypted under the one before it. So a client that
//! repeats the exchange can be answered again (decision 0030). The store alone cannot decrypt it.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_domain::SessionId;
use madang_kit::clock::Random;
use sha2::{Digest as _, Sha256};

use crate::store::Digest;

/// The bytes of the family part: 128 bits.
const FAMILY_BYTES: usize = 16;
/// The bytes of a token's own part and of a ticket: 256 bits.
const SECRET_BYTES: usize = 32;

/// The context of the key that encrypts a successor, so that the key serves nothing else.
const SUCCESSOR_KEY_CONTEXT: &[u8] = b"madang refresh token successor v1";

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

    /// Encrypts the next token of the same family, so that only the holder of this one can decrypt it. `None`: the
    /// encryption failed, and the exchange cannot be repeated.
    pub(crate) fn encrypt_successor(&self, session: SessionId, successor: &Self) -> Option<Vec<u8>> {
        let mut body = successor.secret.to_vec();
        let aad = Aad::from(*session.uuid().as_bytes());
        let nonce = self.successor_key()?.seal_in_place_append_tag(aad, &mut body).ok()?;
        Some([nonce.as_ref().as_slice(), &body].concat())
    }

    /// Decrypts the output of [`encrypt_successor`](Self::encrypt_successor) for this token in this session.
    pub(crate) fn decrypt_successor(&self, session: SessionId, encrypted: &[u8]) -> Option<Self> {
        let (nonce, body) = encrypted.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let aad = Aad::from(*session.uuid().as_bytes());
        let secret = self.successor_key()?.open_in_place(nonce, aad, &mut body).ok()?;
        Some(Self { family: self.family, secret: (&*secret).try_into().ok()? })
    }

    /// A key that is derived from this token alone. The stored digest is another function of the token, so that the
    /// key does not follow from it.
    fn successor_key(&self) -> Option<RandomizedNonceKey> {
        let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret), SUCCESSOR_KEY_CONTEXT);
        RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).ok()
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
    fn a_successor_is_decrypted_by_the_token_before_it_alone() {
        let random = SeededRandom::new(1);
        let session = |n| SessionId::new(uuid::Uuid::from_u128(n));
        let first = RefreshToken::new(&random);
        let second = first.successor(&random);
        let encrypted = first.encrypt_successor(session(1), &second).unwrap();
        assert!(first.decrypt_successor(session(1), &encrypted).is_some_and(|found| found == second));
        assert!(first.decrypt_successor(session(2), &encrypted).is_none(), "of another session");
        assert!(second.decrypt_successor(session(1), &encrypted).is_none(), "by another token");
        let mut changed = encrypted.clone();
        changed[NONCE_LEN] ^= 1;
        assert!(first.decrypt_successor(session(1), &changed).is_none(), "changed");
        assert!(first.decrypt_successor(session(1), &encrypted[..5]).is_none(), "cut");
        assert!(!encrypted.windows(SECRET_BYTES).any(|part| part == second.secret));
        assert_ne!(encrypted, first.encrypt_successor(session(1), &second).unwrap(), "another nonce");
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
