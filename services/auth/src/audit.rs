//! The log of what concerns somebody's access (OWASP ASVS 5.0, 16.3.1): sign-ins and refusals, with account and address.
//!
//! Each event is one line at `info` with the target [`TARGET`]. No password, token or ticket is ever part of one; of an API
//! key the public part is. Lines of refusals are bounded, since strangers cause them; what is left out is counted.

use std::{fmt, net::IpAddr};

use madang_domain::{Timestamp, Username};
use madang_kit::{Escaped, LogBudget};

use crate::error::AuthError;

/// Where the lines go in directives such as `MADANG_LOG=warn,madang_auth::audit=info`.
const TARGET: &str = "madang_auth::audit";

/// Writes the lines.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    refusals: LogBudget,
}

/// An address, where one is known.
pub(crate) struct Address(pub(crate) Option<IpAddr>);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ip) => ip.to_canonical().fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Whose access an event is about.
pub(crate) enum Subject<'a> {
    /// The account of that name, which there may not be.
    Account(&'a Username),
    /// The API key with that public part.
    ApiKey(&'a str),
    /// Nobody that could be named.
    Nobody,
}

impl Audit {
    /// Somebody was refused.
    pub(crate) fn refused(
        &self,
        event: &'static str,
        subject: &Subject<'_>,
        ip: Option<IpAddr>,
        error: &AuthError,
        now: Timestamp,
    ) {
        let Some(reason) = reason(error) else { return };
        let Some(left_out) = self.refusals.take(now) else { return };
        let (account, api_key) = match subject {
            Subject::Account(name) => (Some(Escaped(name.as_str())), None),
            Subject::ApiKey(id) => (None, Some(Escaped(id))),
            Subject::Nobody => (None, None),
        };
        tracing::info!(
            target: TARGET,
            event,
            account = account.map(tracing::field::display),
            api_key = api_key.map(tracing::field::display),
            address = %Address(ip),
            reason,
            left_out = Some(left_out).filter(|left_out| *left_out > 0),
            "refused"
        );
    }

    /// An account was signed in to, or made.
    pub(crate) fn signed_in(
        &self,
        event: &'static str,
        account: &Username,
        session: &dyn fmt::Display,
        ip: Option<IpAddr>,
    ) {
        tracing::info!(
            target: TARGET,
            event,
            account = %Escaped(account.as_str()),
            %session,
            address = %Address(ip),
            "signed in"
        );
    }
}

/// Why somebody was refused, in a word. None: it was no refusal but a failure, which is logged as one.
fn reason(error: &AuthError) -> Option<&'static str> {
    match error {
        AuthError::RegistrationClosed => Some("registration_closed"),
        AuthError::NameTaken => Some("name_taken"),
        AuthError::Password(_) => Some("password_not_acceptable"),
        AuthError::WrongCredentials => Some("wrong_credentials"),
        AuthError::RefreshToken => Some("refresh_token_not_good"),
        AuthError::RefreshTokenReused => Some("refresh_token_reused"),
        AuthError::Ticket => Some("ticket_not_good"),
        AuthError::ApiKey => Some("api_key_not_good"),
        AuthError::SessionEnded => Some("session_ended"),
        AuthError::Throttled(_) => Some("throttled"),
        AuthError::Overloaded => Some("overloaded"),
        AuthError::NoSuchSession | AuthError::NoSuchUser | AuthError::TooManyIds => Some("not_found"),
        AuthError::Database(_) | AuthError::Defect(_) => None,
    }
}
