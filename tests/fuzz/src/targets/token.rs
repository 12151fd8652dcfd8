//! Tokens (RFC 7519) that are made and judged without the library that is fuzzed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What counts of a header. What else it holds may be anything.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    crit: Option<Box<RawValue>>,
}

impl Header {
    /// Reads the header of a token that was accepted, which has no extension that nobody here knows.
    pub(super) fn read(header: &[u8]) -> Self {
        let Ok(read) = serde_json::from_slice::<Self>(header) else {
            panic!("no header: {}", header.escape_ascii())
        };
        assert!(read.crit.is_none(), "a critical extension: {}", header.escape_ascii());
        read
    }
}

/// A token of a header and claims, with the signature that a function makes of both.
pub(super) fn signed(header: &[u8], claims: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let unsigned = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = sign(unsigned.as_bytes());
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The parts of a token.
pub(super) struct Parts<'a> {
    /// What is signed.
    pub(super) unsigned: &'a str,
    pub(super) header: Vec<u8>,
    pub(super) claims: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// The parts of a token. None where a part is not in the one form that Base64 has for its bytes.
pub(super) fn parts(token: &str) -> Option<Parts<'_>> {
    let (unsigned, signature) = token.rsplit_once('.')?;
    let (header, claims) = unsigned.split_once('.')?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    Some(Parts { unsigned, header: decode(header)?, claims: decode(claims)?, signature: decode(signature)? })
}

/// Changes bytes of a token as a list of changes says: two bytes of the place, and what is added to the byte there by
/// exclusive or.
pub(super) fn changed(token: &str, changes: &[u8]) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    for change in changes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] ^= change[2];
    }
    bytes
}
