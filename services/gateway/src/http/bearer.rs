//! The token of a request.

use http::HeaderValue;

/// What a subprotocol entry begins with that holds a token.
pub(crate) const BEARER_ENTRY: &str = "bearer.";

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(value: &HeaderValue) -> Option<String> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
