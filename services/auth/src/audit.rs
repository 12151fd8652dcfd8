//! The log of what concerns somebody's access (OWASP ASVS 5.0, 16.3.1): sign-ins and refusals, with account and address.
//!
//! Each event is one line at `info` with the target [`TARGET`]. No password, token or ticket is ever part of one; of an API
//! key the public part is. Lines of refusals are bounded, since strangers cause them; what is left out is counted.

use std::{fmt, net::IpAddr, sync::Arc};

use madang_domain::{Timestamp, Username};
use madang_kit::{
    Escaped, LogBudget,
    metrics::{Label, instruments},
};

use crate::error::AuthError;

/// Where the lines go in directives such as `MADANG_LOG=warn,madang_auth::audit=info`.
const TARGET: &str = "madang_auth::audit";

/// Writes the lines.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    refusals: LogBudget,
    counters: Arc<AuditCounters>,
}

instruments! {
    /// What is counted besides: the lines are bounded, the numbers are not.
    pub(crate) struct AuditCounters {
        refused: CounterBy<Reason> = "madang.auth.refused", "{request}", "Sign-ins, refreshes, tickets, keys and registrations that were refused, by the reason.";
        signed_in: Counter = "madang.auth.signed_in", "{session}", "Sessions that began: sign-ins and registrations.";
    }
}

/// Why somebody was refused, in a word.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    RegistrationClosed,
    NameTaken,
    NameNotAcceptable,
    PasswordNotAcceptable,
    WrongCredentials,
    RefreshTokenNotGood,
    RefreshTokenReused,
    TicketNotGood,
    ApiKeyNotGood,
    SessionEnded,
    Throttled,
    Overloaded,
    NotFound,
    Erased,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }
}

impl Label for Reason {
    const NAME: &'static str = "reason";
    const VALUES: &'static [&'static str] = &[
        "registration_closed",
        "name_taken",
        "name_not_acceptable",
        "password_not_acceptable",
        "wrong_credentials",
        "refresh_token_not_good",
        "refresh_token_reused",
        "ticket_not_good",
        "api_key_not_good",
        "session_ended",
        "throttled",
        "overloaded",
        "not_found",
        "erased",
    ];

    fn index(self) -> usize {
        self as usize
    }
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
    /// What is counted.
    pub(crate) const fn counters(&self) -> &Arc<AuditCounters> {
        &self.counters
    }

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
        self.counters.refused.add(reason, 1);
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
            reason = reason.as_str(),
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
        self.counters.signed_in.add(1);
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

impl Audit {
    /// A user has changed the password.
    pub(crate) fn password_changed(&self, account: &Username, ended: usize, ip: Option<IpAddr>) {
        tracing::info!(
            target: TARGET,
            event = "change_password",
            account = %Escaped(account.as_str()),
            ended_sessions = ended,
            address = %Address(ip),
            "password changed"
        );
    }
}

/// Why somebody was refused. None: it was no refusal but a failure, which is logged as one.
fn reason(error: &AuthError) -> Option<Reason> {
    match error {
        AuthError::RegistrationClosed => Some(Reason::RegistrationClosed),
        AuthError::NameTaken => Some(Reason::NameTaken),
        AuthError::Name(_) => Some(Reason::NameNotAcceptable),
        AuthError::Password(_) | AuthError::NewPassword(_) => Some(Reason::PasswordNotAcceptable),
        AuthError::WrongCredentials | AuthError::WrongPassword | AuthError::NoPassword => {
            Some(Reason::WrongCredentials)
        }
        AuthError::Erased => Some(Reason::Erased),
        AuthError::RefreshToken => Some(Reason::RefreshTokenNotGood),
        AuthError::RefreshTokenReused => Some(Reason::RefreshTokenReused),
        AuthError::Ticket => Some(Reason::TicketNotGood),
        AuthError::ApiKey => Some(Reason::ApiKeyNotGood),
        AuthError::SessionEnded => Some(Reason::SessionEnded),
        AuthError::Throttled(..) => Some(Reason::Throttled),
        AuthError::Overloaded => Some(Reason::Overloaded),
        AuthError::NoSuchSession | AuthError::NoSuchUser | AuthError::TooManyIds => Some(Reason::NotFound),
        AuthError::Database(_) | AuthError::Defect(_) => None,
    }
}
