//! Verification of credentials. The gateway verifies tokens itself, without a call. The auth service redeems
//! tickets.
//!
//! A token comes from the auth service or from the embedding site. Tokens of the auth service have `at+jwt`
//! and EdDSA in their header and name one of its keys. Every other token counts as the site's, if the site's
//! tokens are accepted at all. The header decides only which verifier is used: each accepts only its own
//! keys, issuer and audience.

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use jsonwebtoken::{Header, Validation, decode, decode_header};
use madang_domain::{
    AvatarUrl, Code, DisplayName, Error, Profile, Result, SessionId, Timestamp, UserId, Username,
};
use madang_kit::{clock::Clock, health::Check};
use madang_rpc::{
    Auth,
    auth::{
        ClientInfo, CredentialIssuer, Identity, Recognized, RedeemTicket, Token,
        claims::{AUDIENCE, AccessClaims, ISSUER, TYPE},
    },
};

use super::{
    Credential, Issuer, Revocations, SiteUserCache,
    keys::{ALGORITHM, Keys, REFRESH_EVERY, RETRY_EVERY},
    times::{CLOCK_SKEW, seconds},
};

/// The most bytes of a token that is parsed. No token of the auth service is longer.
const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// The error message for an invalid token.
const BAD: &str = "the access token is not valid: get a new one";

/// The error message for a credential whose session has ended.
const REVOKED: &str = "the session was revoked: sign in again";
/// The error message for a token of the site that is older than its user's disconnection.
const DISCONNECTED: &str = "the user was disconnected since the token was issued: get a new one";
/// The error message for a token of a disconnected user whose issue time is unknown.
const DISCONNECTED_AND_UNDATED: &str = "the user was disconnected, and the token has no issue time (iat): the site must \
    issue tokens with iat, or MADANG_ISSUER_TOKEN_SECONDS must say how long they are valid";

/// The issue time of a token that does not tell one: earlier than any disconnection.
const UNDATED: Timestamp = Timestamp::from_micros(i64::MIN);

/// Verifies credentials and finds their user and session.
pub(crate) struct Verifier {
    auth: Arc<dyn Auth>,
    keys: Keys,
    site: Option<SiteTokens>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
    validation: Validation,
}

/// What verifies tokens of the embedding site: their issuer, and the cache of the users whom they name.
pub(crate) struct SiteTokens {
    pub(crate) issuer: Issuer,
    pub(crate) users: SiteUserCache,
}

impl Verifier {
    pub(crate) fn new(
        auth: Arc<dyn Auth>,
        site: Option<SiteTokens>,
        revocations: Arc<Revocations>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The injected clock judges the times, not the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { keys: Keys::new(Arc::clone(&auth)), auth, site, revocations, clock, validation }
    }

    /// Refreshes the keys without end. `check` fails until the first keys are there, and where they have become too old.
    pub(crate) async fn keep_keys(self: Arc<Self>, check: Check) {
        loop {
            let pause = match self.keys.refresh().await {
                Ok(()) => {
                    check.ready();
                    REFRESH_EVERY
                }
                Err(error) => {
                    if !self.keys.are_good() {
                        check.failing("the verification keys have not been fetched, or not for 24 hours");
                        tracing::warn!(%error, "the verification keys cannot be fetched; trying again");
                    }
                    RETRY_EVERY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Forgets what is known of users who were disconnected.
    pub(crate) fn forget_users(&self, users: &[(UserId, Timestamp)]) {
        if let Some(site) = &self.site {
            site.users.forget(users);
        }
    }

    /// The time since the auth service's keys were last fetched; none before the first time.
    pub(crate) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    /// Refreshes the keys of the embedding site without end.
    pub(crate) async fn keep_site_keys(self: Arc<Self>) {
        if let Some(site) = &self.site {
            site.issuer.keep_keys().await;
        }
    }

    /// Verifies the credential of a client at an address. `unauthenticated`: it is invalid, expired or revoked.
    pub(crate) async fn verify(&self, credential: &Credential, ip: Option<IpAddr>) -> Result<Identity> {
        let identity = match credential {
            Credential::Token(token) => self.verify_token(token).await?,
            Credential::Ticket(ticket) => {
                let client = ClientInfo { ip, user_agent: None };
                self.auth.redeem_ticket(RedeemTicket { ticket: Token::new(ticket), client }).await?
            }
        };
        if self.revocations.end(identity.session, identity.profile.id, identity.issued_at) {
            let is_undated = identity.issuer == CredentialIssuer::Site && identity.issued_at == UNDATED;
            return Err(refused(if is_undated { DISCONNECTED_AND_UNDATED } else { REVOKED }));
        }
        Ok(identity)
    }

    async fn verify_token(&self, token: &str) -> Result<Identity> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(refused(BAD));
        }
        let header = decode_header(token).map_err(|error| refused(BAD).caused_by(error))?;
        // No critical extension is supported, so that a token with one is refused (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(refused(BAD));
        }
        // An id token, or a token with another algorithm, is not an access token of the auth service (RFC
        // 9068, section 4).
        let is_typed = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
        let own_key = header.kid.as_deref().filter(|_| is_typed && header.alg == ALGORITHM);
        match (&self.site, own_key) {
            (None, Some(id)) => self.verify_own(token, id).await,
            (None, None) => Err(refused(BAD)),
            // A key of the auth service belongs to no other issuer. A key that neither issuer knows is
            // fetched from the auth service first.
            (Some(site), Some(id)) if self.keys.has(id) || !site.issuer.has_key(&header) => {
                match self.verify_own(token, id).await {
                    Err(error)
                        if error.code == Code::Unauthenticated
                            && !self.keys.has(id)
                            && site.issuer.accepts(header.alg) =>
                    {
                        self.verify_site(site, token, &header).await
                    }
                    judged => judged,
                }
            }
            (Some(site), _) => self.verify_site(site, token, &header).await,
        }
    }

    async fn verify_site(&self, site: &SiteTokens, token: &str, header: &Header) -> Result<Identity> {
        let claimed = site.issuer.verify(token, header, self.clock.now()).await?;
        let Recognized { profile, disconnected_at } = site.users.recognize(claimed.user).await?;
        match (disconnected_at, claimed.issued_at) {
            (Some(at), Some(issued_at)) if issued_at <= at => return Err(refused(DISCONNECTED)),
            (Some(_), None) => return Err(refused(DISCONNECTED_AND_UNDATED)),
            (None, _) | (Some(_), Some(_)) => {}
        }
        Ok(Identity {
            profile,
            session: claimed.session,
            expires_at: claimed.expires_at,
            // One that does not say when it was made may have been made at any time: a disconnection ends it.
            issued_at: claimed.issued_at.unwrap_or(UNDATED),
            issuer: CredentialIssuer::Site,
        })
    }

    async fn verify_own(&self, token: &str, id: &str) -> Result<Identity> {
        let claims = self
            .keys
            .with(id, |key| decode::<AccessClaims>(token, key, &self.validation))
            .await?
            .ok_or_else(|| refused(BAD))?
            .map_err(|error| refused(BAD).caused_by(error))?
            .claims;
        let now = self.clock.now().as_seconds();
        let skew = CLOCK_SKEW.as_secs().cast_signed();
        if claims.exp.saturating_add(skew) <= now {
            return Err(refused("the access token has expired: get a new one"));
        }
        if claims.iat.saturating_sub(skew) > now {
            return Err(refused(
                "the access token was issued in the future: check the clocks of the servers",
            ));
        }
        identity(&claims).map_err(|error| refused(BAD).caused_by(error))
    }
}

fn identity(claims: &AccessClaims) -> Result<Identity> {
    Ok(Identity {
        profile: Profile {
            id: claims.sub.parse::<UserId>()?,
            username: Username::recorded(claims.preferred_username.as_str())?,
            name: DisplayName::recorded(claims.name.as_str())?,
            avatar_url: claims.picture.as_deref().and_then(AvatarUrl::recorded),
            external_id: None,
            version: Timestamp::from_micros(claims.profile_version),
        },
        session: claims.sid.parse::<SessionId>()?,
        expires_at: seconds(claims.exp),
        // Tokens count whole seconds; this takes the last moment of that second. A session that starts in the
        // second of its user's disconnection must be valid. A session that ended before it is in the feed
        // under its own id.
        issued_at: seconds(claims.iat).plus(Duration::from_micros(999_999)),
        issuer: CredentialIssuer::Auth,
    })
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}
