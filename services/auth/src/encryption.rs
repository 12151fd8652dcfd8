//! Encryption of the private keys in the database with AES-256-GCM, if the operator configures a key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The size of the key in bytes.
const KEY_BYTES: usize = 32;

/// The key is not 32 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64, such as `openssl rand -base64 32` prints")]
pub(crate) struct NotAKey;

/// The ciphertext cannot be decrypted with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key cannot be decrypted: it was encrypted with another key, or modified")]
pub(crate) struct CannotDecrypt;

/// Encrypts and decrypts private keys.
#[derive(Debug)]
pub(crate) struct KeyEncryption(RandomizedNonceKey);

impl KeyEncryption {
    /// Reads the key from the text of the setting.
    pub(crate) fn new(key: &str) -> Result<Self, NotAKey> {
        let bytes = STANDARD.decode(key.trim()).map_err(|_| NotAKey)?;
        if bytes.len() != KEY_BYTES {
            return Err(NotAKey);
        }
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).map(Self).map_err(|_| NotAKey)
    }

    /// Encrypts a private key; the result is nonce, ciphertext and tag. The nonce is random, which AES-GCM
    /// allows for up to 2^32 messages of one key (NIST SP 800-38D, 8.3). Decryption works only with the same
    /// `name`.
    pub(crate) fn encrypt(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, CannotDecrypt> {
        let mut body = secret.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut body)
            .map_err(|_| CannotDecrypt)?;
        Ok([nonce.as_ref().as_slice(), &body].concat())
    }

    /// Decrypts what [`encrypt`](Self::encrypt) returned.
    pub(crate) fn decrypt(&self, name: &str, encrypted: &[u8]) -> Result<Vec<u8>, CannotDecrypt> {
        let (nonce, body) = encrypted.split_at_checked(NONCE_LEN).ok_or(CannotDecrypt)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotDecrypt)?;
        let mut body = body.to_vec();
        let secret =
            self.0.open_in_place(nonce, Aad::from(name.as_bytes()), &mut body).map_err(|_| CannotDecrypt)?;
        Ok(secret.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encryption(byte: u8) -> KeyEncryption {
        KeyEncryption::new(&STANDARD.encode([byte; KEY_BYTES])).unwrap()
    }

    #[test]
    fn only_the_same_key_and_name_decrypt() {
        let encrypted = encryption(1).encrypt("one", b"secret").unwrap();
        assert_eq!(encryption(1).decrypt("one", &encrypted).unwrap(), b"secret");
        assert_eq!(encryption(2).decrypt("one", &encrypted), Err(CannotDecrypt));
        assert_eq!(encryption(1).decrypt("two", &encrypted), Err(CannotDecrypt));
        assert_eq!(encryption(1).decrypt("one", &encrypted[..5]), Err(CannotDecrypt));
        assert_ne!(encrypted, encryption(1).encrypt("one", b"secret").unwrap());
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(KeyEncryption::new("c2hvcnQ=").is_err());
        assert!(KeyEncryption::new("not base64!").is_err());
    }
}
