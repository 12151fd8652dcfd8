//! Authentication: the credentials that a request or a socket may carry, and their verification.

#[cfg(test)]
mod fake;
mod issuer;
mod keys;
mod revocations;
mod site_keys;
mod site_user_cache;
mod times;
mod verifier;

use std::fmt;

pub(crate) use issuer::Issuer;
pub(crate) use revocations::{Ended, Revocations};
pub(crate) use site_keys::SiteKeys;
pub(crate) use site_user_cache::{ChangedUser, SiteUserCache};
pub(crate) use verifier::{SiteTokens, Verifier};

/// A credential as the client sends it. `Debug` never prints the secret.
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
