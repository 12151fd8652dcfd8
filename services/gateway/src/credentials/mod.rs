//! Who is there: the credentials that a request or a socket may carry, and what makes them good.

mod keys;
mod revocations;
mod verifier;

use std::fmt;

pub(crate) use revocations::Revocations;
pub(crate) use verifier::Verifier;

/// What a client shows. Never printed whole.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An access token.
    Token(String),
    /// A one-time ticket.
    Ticket(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Ticket(_) => "Ticket(…)",
        })
    }
}
