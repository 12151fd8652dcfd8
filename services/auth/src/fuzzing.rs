//! The functions of the auth service that read what strangers send, for the fuzz targets of `tests/fuzz`.
//!
//! The service itself does not use this module, and it is no part of the crate's interface.

use crate::tokens::{RefreshToken, ticket_digest};

/// The digest under which a ticket is looked up; none of a text that is no ticket.
#[must_use]
pub fn ticket(text: &str) -> Option<[u8; 32]> {
    ticket_digest(text)
}

/// A refresh token as it is written; none of a text that is none.
#[must_use]
pub fn refresh_token(text: &str) -> Option<String> {
    RefreshToken::decode(text).map(|token| token.encode())
}
