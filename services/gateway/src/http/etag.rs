//! Validators of what HTTP caches keep (RFC 9110, section 8.8.3).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header, header::InvalidHeaderValue};

/// The validator of a content: the same for the same bytes, on every gateway.
pub(crate) fn etag_of(content: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, content))))
}

/// Whether the client has this content already, and asks only whether there is another one (RFC 9110, section 13.1.2).
pub(crate) fn is_known(etag: &HeaderValue, request: &HeaderMap) -> bool {
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known.as_bytes() == etag.as_bytes())
}
