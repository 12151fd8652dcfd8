//! How a failed request is logged, and who was refused at the door.

use std::{net::IpAddr, sync::Arc};

use http::Method;
use madang_domain::{Code, Error, UserId};
use madang_kit::{Escaped, LogBudget, clock::Clock};
use madang_rpc::auth::ApiKey;
use tracing::{debug, info, warn};

/// The log of who was refused here, before the auth service was asked or after: one line each, with what the caller called
/// itself and from where (OWASP ASVS 5.0, 16.3.1). The lines are bounded, since strangers cause them.
pub(crate) struct Refusals {
    lines: LogBudget,
    clock: Arc<dyn Clock>,
}

impl Refusals {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { lines: LogBudget::default(), clock }
    }

    /// Somebody signs in with a name that can be nobody's.
    pub(crate) fn login(&self, account: &str, ip: Option<IpAddr>) {
        let Some(left_out) = self.lines.take(self.clock.now()) else { return };
        let (account, address) = (Escaped(account), ip.map(tracing::field::display));
        info!(event = "login", %account, address, reason = "no_username", left_out, "refused");
    }

    /// Somebody shows an API key that is refused. Of the key, the public part is logged.
    pub(crate) fn api_key(&self, key: &str, ip: Option<IpAddr>, error: &Error) {
        let is_refusal =
            matches!(error.code, Code::Unauthenticated | Code::PermissionDenied | Code::RateLimited);
        if !is_refusal {
            return;
        }
        let Some(left_out) = self.lines.take(self.clock.now()) else { return };
        let public = public_part(key).map(tracing::field::display);
        let (address, reason) = (ip.map(tracing::field::display), error.code.as_str());
        info!(event = "api_key", api_key = public, address, reason, left_out, "refused");
    }
}

/// The site's backend acts as a user. What it changes so is logged; what it reads, only in detail.
pub(crate) fn impersonation(key: &ApiKey, user: UserId, method: &Method, route: Option<&str>) {
    let (api_key, name) = (&key.id, Escaped(&key.name));
    if method.is_safe() {
        debug!(event = "impersonation", %api_key, %name, %user, %method, route, "the site reads as a user");
    } else {
        info!(event = "impersonation", %api_key, %name, %user, %method, route, "the site acts as a user");
    }
}

/// The part of an API key's text that may be shown: `5f0939d5c634a28c` of `mk_5f0939d5c634a28c_…`.
fn public_part(key: &str) -> Option<&str> {
    let (id, _) = key.strip_prefix("mk_")?.split_once('_')?;
    (id.len() == 16 && id.bytes().all(|c| c.is_ascii_hexdigit())).then_some(id)
}

/// Logs a failure once, where it is answered. A client's mistakes are of little interest, so they are logged at `debug`.
pub(crate) fn failed_request(error: &Error) {
    match error.code {
        Code::Internal => {
            warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "request failed");
        }
        Code::Unavailable | Code::DeadlineExceeded => debug!(%error, "request failed"),
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => debug!(%error, "request refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_only_the_public_part_is_shown() {
        assert_eq!(public_part("mk_5f0939d5c634a28c_secret"), Some("5f0939d5c634a28c"));
        for other in ["", "mk_", "mk_secret", "mk_secretsecretsec_x", "5f0939d5c634a28c_secret"] {
            assert_eq!(public_part(other), None, "{other}");
        }
    }
}
