//! Private keys at rest, sealed with AES-256-GCM when the operator gives a key for it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The key's size.
const KEY_BYTES: usize = 32;

/// The key is not 32 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64, such as `openssl rand -base64 32` prints")]
pub(crate) struct NotAKey;

/// What was sealed cannot be opened with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key was sealed with another key, or changed")]
pub(crate) struct CannotOpen;

/// Seals and opens.
#[derive(Debug)]
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    /// From a key as a setting has it.
    pub(crate) fn new(key: &str) -> Result<Self, NotAKey> {
        let bytes = STANDARD.decode(key.trim()).map_err(|_| NotAKey)?;
        if bytes.len() != KEY_BYTES {
            return Err(NotAKey);
        }
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).map(Self).map_err(|_| NotAKey)
    }

    /// Nonce, ciphertext, tag. The nonce is random, as AES-GCM allows for up to 2^32 messages of one key
    /// (NIST SP 800-38D, 8.3). What is sealed opens under the same `name` alone.
    pub(crate) fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let mut body = secret.to_vec();
        let nonce =
            self.0.seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut body).map_err(|_| CannotOpen)?;
        Ok([nonce.as_ref().as_slice(), &body].concat())
    }

    /// What [`seal`](Self::seal) sealed.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut body = body.to_vec();
        let secret =
            self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut body).map_err(|_| CannotOpen)?;
        Ok(secret.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&STANDARD.encode([byte; KEY_BYTES])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_name_alone() {
        let sealed = sealer(1).seal("one", b"secret").unwrap();
        assert_eq!(sealer(1).open("one", &sealed).unwrap(), b"secret");
        assert_eq!(sealer(2).open("one", &sealed), Err(CannotOpen));
        assert_eq!(sealer(1).open("two", &sealed), Err(CannotOpen));
        assert_eq!(sealer(1).open("one", &sealed[..5]), Err(CannotOpen));
        assert_ne!(sealed, sealer(1).seal("one", b"secret").unwrap());
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(Sealer::new("c2hvcnQ=").is_err());
        assert!(Sealer::new("not base64!").is_err());
    }
}
