//! A secret that callers of a service send, where there are no certificates.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{HeaderMap, HeaderName};
use tonic::metadata::{Ascii, MetadataValue};

use crate::{Secret, StartError};

/// The metadata in which callers send the secret.
pub(super) const SECRET_KEY: &str = "madang-caller-secret";
const SECRET_HEADER: HeaderName = HeaderName::from_static(SECRET_KEY);

/// The shortest secret: 128 bits in hexadecimal digits.
const SECRET_MIN_CHARS: usize = 32;
/// The longest: it is sent with each call.
const SECRET_MAX_CHARS: usize = 256;

/// A text that is no secret for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret has {SECRET_MIN_CHARS} to {SECRET_MAX_CHARS} printable ASCII characters, such as `openssl rand -hex 32` prints"
)]
pub struct InvalidCallSecret;

/// A secret of a service, which its callers send.
#[derive(Debug, Clone)]
pub struct CallSecret {
    secret: Secret,
    metadata: MetadataValue<Ascii>,
}

impl TryFrom<Secret> for CallSecret {
    type Error = InvalidCallSecret;

    fn try_from(secret: Secret) -> Result<Self, InvalidCallSecret> {
        let text = secret.expose();
        let fits = (SECRET_MIN_CHARS..=SECRET_MAX_CHARS).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidCallSecret);
        }
        let mut metadata = MetadataValue::try_from(text).map_err(|_| InvalidCallSecret)?;
        // Neither shown, nor kept in HTTP/2's tables of headers.
        metadata.set_sensitive(true);
        Ok(Self { secret, metadata })
    }
}

impl CallSecret {
    /// The secret of a setting, where it is set.
    ///
    /// # Errors
    ///
    /// When it has not the form of one.
    pub fn of_setting(setting: &'static str, secret: Option<&Secret>) -> Result<Option<Self>, StartError> {
        let secret = secret.cloned().map(Self::try_from).transpose();
        secret.map_err(|error| StartError::setting(setting, error.to_string()))
    }

    /// The secret as metadata.
    pub(super) fn metadata(&self) -> MetadataValue<Ascii> {
        self.metadata.clone()
    }

    /// Whether a caller has sent this one. The time that it takes tells nothing of the secret but its length.
    pub(super) fn is_sent(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(&SECRET_HEADER);
        sent.is_some_and(|sent| {
            verify_slices_are_equal(sent.as_bytes(), self.secret.expose().as_bytes()).is_ok()
        })
    }
}

/// Whether a caller has sent any secret.
pub(super) fn sends_one(headers: &HeaderMap) -> bool {
    headers.contains_key(&SECRET_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_and_printable_and_matches_itself_alone() {
        for wrong in ["short", &"x".repeat(257), &"방".repeat(20), &format!("{} ", "x".repeat(40))] {
            assert!(CallSecret::try_from(Secret::from(wrong)).is_err(), "{wrong}");
        }
        let secret = CallSecret::try_from(Secret::from("x".repeat(32))).unwrap();
        let sent = |text: String| {
            let mut headers = HeaderMap::new();
            headers.insert(SECRET_KEY, text.parse().unwrap());
            headers
        };
        assert!(secret.is_sent(&sent("x".repeat(32))));
        for other in ["x".repeat(31), "x".repeat(33), "y".repeat(32)] {
            assert!(!secret.is_sent(&sent(other)));
        }
        assert!(!secret.is_sent(&HeaderMap::new()));
        assert!(!format!("{secret:?} {:?}", secret.metadata()).contains("xxx"));
    }
}
